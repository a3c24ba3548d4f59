/** The importer's door: its command. No part of the server loads it. */
export { importCommands } from './commands.ts';
