/** `homeostat rules import`. */
import { type AddCommands, commandNamed } from '../../features/contract/commands.ts';

export const importCommands: AddCommands = (program) => {
  commandNamed(program, 'rules', 'automations')
    .command('import')
    .description('make rules of Home Assistant’s automations, and say what could not be translated')
    .argument('<files...>', 'automations.yaml, or packages')
    .option('--entities <file>', 'which twin each entity is')
    .option('--write-entities <file>', 'write such a map of all entities, with what was assumed')
    .option('--out <folder>', 'write a file for each rule; without it there is only the report')
    .option('--force', 'overwrite files that are there', false)
    .action(async (files, given) => (await import('./import-rules.ts')).importRules(files, given));
};
