/** `homeostat rules …` and `homeostat kit …`. */
import type { Command } from 'commander';
import { atServer } from '../../contract/at-server.ts';
import { type AddCommands, commandNamed } from '../../contract/commands.ts';

/** Each command loads what it needs: who asks a server why needs no engine. */
const atRules = () => import('./rules.ts');
const atBlueprints = () => import('./blueprints.ts');
const atKits = () => import('./kits.ts');

export const rulesCommands: AddCommands = (program, { kinds }) => {
  const rules = commandNamed(
    program,
    'rules',
    'automations: tested and imported here, checked and live at a server',
  );
  rules
    .command('test')
    .description('run files of tests, each in a home of its own; no server is needed')
    .argument('<files...>', 'such as hall-light.test.yaml')
    .action(async (files) => (await import('./rule-tests.ts')).testRules(files, await kinds()));
  addRules(rules);
  addDrafts(
    rules.command('draft').description('a version of a rule on trial beside the one that is live'),
  );
  addBlueprints(
    rules.command('blueprint').description('rules with inputs, of which others are made'),
  );
  addKits(
    program
      .command('kit')
      .description('twins, scenes, blueprints and rules that come and go together, at a server'),
  );
};

function addRules(rules: Command): void {
  atServer(rules, 'check', 'what is wrong with a rule among the twins of a home')
    .argument('<file>')
    .action(async (file, given) => (await atRules()).checkRule(file, given));
  atServer(rules, 'put', 'make a rule live')
    .argument('<file>')
    .action(async (file, given) => (await atRules()).putRule(file, given));
  atServer(rules, 'backtest', 'what a rule would have done, beside the version that is live')
    .argument('<file>')
    .option('--from <moment>', 'default: a day before the end')
    .option('--to <moment>', 'default: now')
    .action(async (file, given) => (await atRules()).backtestRule(file, given));
  atServer(rules, 'explain', 'why a rule ran or did not, or what led to a command or alert')
    .argument('<what>', 'the id of a rule, a command or an alert')
    .option('--from <moment>', 'default: a day before the end')
    .option('--to <moment>', 'default: now')
    .option('--language <language>', 'en, de', 'en')
    .action(async (what, given) => (await atRules()).explain(what, given));
}

function addDrafts(draft: Command): void {
  atServer(
    draft,
    'put',
    'put a draft on trial: it sees what the rule sees, and nothing comes of it',
  )
    .argument('<file>')
    .action(async (file, given) => (await atRules()).putDraft(file, given));
  atServer(draft, 'show', 'what the draft would have done, beside what the rule did')
    .argument('<rule>')
    .action(async (rule, given) => (await atRules()).showDraft(rule, given));
  atServer(draft, 'promote', 'make the draft live')
    .argument('<rule>')
    .action(async (rule, given) => (await atRules()).promoteDraft(rule, given));
  atServer(draft, 'discard', 'end the trial')
    .argument('<rule>')
    .action(async (rule, given) => (await atRules()).discardDraft(rule, given));
}

function addBlueprints(blueprint: Command): void {
  atServer(blueprint, 'put', 'define a blueprint; the rules that are made from it change with it')
    .argument('<file>')
    .action(async (file, given) => (await atBlueprints()).putBlueprint(file, given));
  atServer(blueprint, 'list', 'the blueprints of a home').action(async (given) =>
    (await atBlueprints()).listBlueprints(given),
  );
  atServer(blueprint, 'remove', 'delete a blueprint')
    .argument('<id>')
    .option('--detach', 'leave the rules that are made from it as rules of their own', false)
    .action(async (id, given) => (await atBlueprints()).removeBlueprint(id, given));
}

function addKits(kit: Command): void {
  const withInputs = (command: Command) =>
    command
      .argument('<file>')
      .option(
        '--input <name=value>',
        'a value for an input of the kit; may be given again',
        (one: string, all: string[]) => [...all, one],
        [],
      );
  withInputs(atServer(kit, 'check', 'what is wrong with a kit in a home')).action(
    async (file, given) => (await atKits()).checkKit(file, given),
  );
  withInputs(atServer(kit, 'install', 'install a kit, or another version of it')).action(
    async (file, given) => (await atKits()).installKit(file, given),
  );
  atServer(kit, 'remove', 'remove a kit with all that it has brought')
    .argument('<id>')
    .option('--force', 'even where rules of others use it', false)
    .action(async (id, given) => (await atKits()).removeKit(id, given));
  atServer(kit, 'list', 'the kits of a home').action(async (given) =>
    (await atKits()).listKits(given),
  );
}
