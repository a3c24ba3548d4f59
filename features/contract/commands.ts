/** Commands that features and tools add to the command line. */
import type { Command } from 'commander';
import type { AnyKind } from '../../engine/index.ts';

/** What a command gets of the world outside. */
export interface CommandPorts {
  /** All kinds of twins, those of the operator too. */
  kinds(): Promise<readonly AnyKind[]>;
}

/** Is called for each command line, whatever that is: what a command needs, its action imports. */
export type AddCommands = (program: Command, ports: CommandPorts) => void;

/** The command of this name below another; made where it is not there yet. */
export function commandNamed(above: Command, name: string, description: string): Command {
  const known = above.commands.find((command) => command.name() === name);
  return known ?? above.command(name).description(description);
}
