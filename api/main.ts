#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError, readVersion } from './config.ts';

// Traces name the sources, of what is loaded from here on
process.setSourceMapsEnabled(true);

const program = new Command('homeostat')
  .description('Actor-model device twin engine: every device and every room is a durable actor.')
  .version(readVersion())
  .addHelpText(
    'after',
    '\nConfiguration is by environment variables: homeostat configuration lists them all.',
  );

program
  .command('start', { isDefault: true })
  .description('run the engine with its MQTT and HTTP doors')
  .addOption(
    new Option(
      '--without-rules',
      'hold back the rules of all homes, as when they make it crash',
    ).conflicts('withRules'),
  )
  .option('--with-rules', 'let rules run, even after crashes')
  .action(async ({ withRules, withoutRules }) =>
    (await import('./cli/start.ts')).start(withRules ? 'with' : withoutRules ? 'without' : null),
  );

program
  .command('configuration')
  .description('print all variables with their defaults')
  .option('--env', 'as a file to start from')
  .action(async (given) => (await import('./cli/configuration.ts')).printConfiguration(given));
program
  .command('simulate')
  .description('run a fleet of simulated rooms over real MQTT')
  .option('--url <url>', 'the broker', 'mqtt://127.0.0.1:1883')
  .option('--username <name>')
  .option('--password <password>')
  .option('--root <root>', 'first part of the topics', 'homeostat')
  .option('--homes <n>', 'homes', positive, 1)
  .option('--rooms <n>', 'rooms in each home', positive, 10)
  .option('--interval <seconds>', 'real time between two reports of a room', positive, 10)
  .option('--speed <factor>', 'simulated seconds per real second', positive, 10)
  .option('--seed <n>', 'the same seed gives the same rooms', positive, 1)
  .option('--duration <seconds>', 'stop by itself after this time', positive)
  .action(async (given) => (await import('./cli/simulate.ts')).simulate(given));

program
  .command('migrate')
  .description('bring the database up to date and stop')
  .action(async () => (await import('./cli/migrate.ts')).migrate());

program
  .command('replay')
  .description('fold journals and compare with the stored twins')
  .argument('[home]', 'only this home')
  .argument('[twin]', 'only this twin')
  .action(async (home, twin) => (await import('./cli/replay.ts')).replayTwins(home, twin));

const projections = program
  .command('projections')
  .description(
    'tables that are computed from the journal, beside a server that runs or before the next',
  );
projections
  .command('list')
  .description('which there are, and how far they have come')
  .action(async () => (await import('./cli/projections.ts')).listProjections());
projections
  .command('rebuild')
  .description('build one anew from what the journal holds')
  .argument('<name>', 'such as activity')
  .option('--wait <seconds>', 'how long a server may take to begin', positive, 15)
  .action(async (name, given) =>
    (await import('./cli/projections.ts')).rebuildProjection(name, given),
  );

program
  .command('user')
  .description('accounts of people')
  .command('create')
  .description('make an account without a letter')
  .requiredOption('--email <address>')
  .option('--name <name>')
  .option('--language <language>', 'of letters: en, de', 'en')
  .option('--admin', 'an administrator of the platform', false)
  .option('--password-stdin', 'read the password from standard input; else one is made', false)
  .action(async (given) => (await import('./cli/user.ts')).createUser(given));

program
  .command('broker-accounts')
  .description('print the first accounts of Mosquitto’s dynamic security; the password is read')
  .option('--username <name>', 'of the engine at the broker', 'homeostat')
  .action(async (given) => (await import('./cli/broker-accounts.ts')).printFirstAccounts(given));

program
  .command('new')
  .description('begin something of your own')
  .command('kind')
  .description('a kind of twin that works, with its test, to be changed')
  .argument('<name>', 'such as door-bell')
  .option('--dir <folder>', 'that KINDS_DIR will name', 'kinds')
  .option('--js', 'JavaScript in place of TypeScript', false)
  .action(async (name, given) => (await import('./cli/new-kind.ts')).newKind(name, given));

const rules = program
  .command('rules')
  .description('automations: tested and imported here, checked and live at a server');
rules
  .command('test')
  .description('run files of tests, each in a home of its own; no server is needed')
  .argument('<files...>', 'such as hall-light.test.yaml')
  .action(async (files) => (await import('./cli/rule-tests.ts')).testRules(files));
rules
  .command('import')
  .description('make rules of Home Assistant’s automations, and say what could not be translated')
  .argument('<files...>', 'automations.yaml, or packages')
  .option('--entities <file>', 'which twin each entity is')
  .option('--write-entities <file>', 'write such a map of all entities, with what was assumed')
  .option('--out <folder>', 'write a file for each rule; without it there is only the report')
  .option('--force', 'overwrite files that are there', false)
  .action(async (files, given) => (await import('./cli/rule-import.ts')).importRules(files, given));
const atServerBelow = (above: Command) => (name: string, description: string) =>
  above
    .command(name)
    .description(description)
    .requiredOption('--home <home>')
    .addOption(
      new Option('--url <url>', 'of the server')
        .env('HOMEOSTAT_URL')
        .default('http://127.0.0.1:3000'),
    )
    .addOption(
      new Option('--token <token>', 'an API key').env('HOMEOSTAT_TOKEN').makeOptionMandatory(),
    );
const atServer = atServerBelow(rules);
atServer('check', 'what is wrong with a rule among the twins of a home')
  .argument('<file>')
  .action(async (file, given) => (await atRules()).checkRule(file, given));
atServer('put', 'make a rule live')
  .argument('<file>')
  .action(async (file, given) => (await atRules()).putRule(file, given));
atServer('backtest', 'what a rule would have done, beside the version that is live')
  .argument('<file>')
  .option('--from <moment>', 'default: a day before the end')
  .option('--to <moment>', 'default: now')
  .action(async (file, given) => (await atRules()).backtestRule(file, given));
const draft = rules
  .command('draft')
  .description('a version of a rule on trial beside the one that is live');
const atDraft = atServerBelow(draft);
atDraft('put', 'put a draft on trial: it sees what the rule sees, and nothing comes of it')
  .argument('<file>')
  .action(async (file, given) => (await atRules()).putDraft(file, given));
atDraft('show', 'what the draft would have done, beside what the rule did')
  .argument('<rule>')
  .action(async (rule, given) => (await atRules()).showDraft(rule, given));
atDraft('promote', 'make the draft live')
  .argument('<rule>')
  .action(async (rule, given) => (await atRules()).promoteDraft(rule, given));
atDraft('discard', 'end the trial')
  .argument('<rule>')
  .action(async (rule, given) => (await atRules()).discardDraft(rule, given));
atServer('explain', 'why a rule ran or did not, or what led to a command or alert')
  .argument('<what>', 'the id of a rule, a command or an alert')
  .option('--from <moment>', 'default: a day before the end')
  .option('--to <moment>', 'default: now')
  .option('--language <language>', 'en, de', 'en')
  .action(async (what, given) => (await atRules()).explain(what, given));

const blueprintAtServer = atServerBelow(
  rules.command('blueprint').description('rules with inputs, of which others are made'),
);
blueprintAtServer('put', 'define a blueprint; the rules that are made from it change with it')
  .argument('<file>')
  .action(async (file, given) => (await atBlueprints()).putBlueprint(file, given));
blueprintAtServer('list', 'the blueprints of a home').action(async (given) =>
  (await atBlueprints()).listBlueprints(given),
);
blueprintAtServer('remove', 'delete a blueprint')
  .argument('<id>')
  .option('--detach', 'leave the rules that are made from it as rules of their own', false)
  .action(async (id, given) => (await atBlueprints()).removeBlueprint(id, given));

const kitAtServer = atServerBelow(
  program
    .command('kit')
    .description('twins, scenes, blueprints and rules that come and go together, at a server'),
);
const withInputs = (command: Command) =>
  command
    .argument('<file>')
    .option(
      '--input <name=value>',
      'a value for an input of the kit; may be given again',
      (one: string, all: string[]) => [...all, one],
      [],
    );
withInputs(kitAtServer('check', 'what is wrong with a kit in a home')).action(async (file, given) =>
  (await atKits()).checkKit(file, given),
);
withInputs(kitAtServer('install', 'install a kit, or another version of it')).action(
  async (file, given) => (await atKits()).installKit(file, given),
);
kitAtServer('remove', 'remove a kit with all that it has brought')
  .argument('<id>')
  .option('--force', 'even where rules of others use it', false)
  .action(async (id, given) => (await atKits()).removeKit(id, given));
kitAtServer('list', 'the kits of a home').action(async (given) => (await atKits()).listKits(given));

/** Each command loads what it needs: who asks a server why needs no engine. */
function atRules() {
  return import('./cli/rules.ts');
}
function atBlueprints() {
  return import('./cli/blueprints.ts');
}
function atKits() {
  return import('./cli/kits.ts');
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0');
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  // A wrong configuration needs no stack trace; everything else is a bug or says itself what it is
  const text = error instanceof ConfigError ? error.message : explain(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\n  ${error.hint}` : '';
  return 'code' in error ? `${error.message}${hint}` : (error.stack ?? error.message);
}
