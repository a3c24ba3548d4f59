/** The importer's door: automations of Home Assistant as texts of rules. No part of the server loads it. */
export { importAutomations, type SourceFile } from './home-assistant.ts';
