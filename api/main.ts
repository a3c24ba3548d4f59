#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandPorts } from '../features/contract/commands.ts';
import { didYouMean } from '../features/contract/suggest.ts';
import { ConfigError } from './config-error.ts';
import { FEATURES, TOOLS } from './features.ts';
import { readVersion } from './version.ts';

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
    (await import('./cli/start.ts')).start({
      ...(withRules && { RULES_AT_START: 'running' }),
      ...(withoutRules && { RULES_AT_START: 'held' }),
    }),
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

const ports: CommandPorts = {
  async kinds() {
    const { loadKinds } = await import('./kinds/load-kinds.ts');
    const { readKindsDir } = await import('./config.ts');
    return (await loadKinds(readKindsDir())).all;
  },
};
for (const { commands } of FEATURES) commands?.(program, ports);
for (const commands of TOOLS) commands(program, ports);

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0');
  return value;
}

/** Without it `start`, which is called by default, would complain of its arguments. */
function assertKnown(root: Command, [first]: readonly string[]): void {
  const known = root.commands.map((command) => command.name());
  if (first === undefined || first.startsWith('-') || [...known, 'help'].includes(first)) return;
  const below = root.commands.flatMap((above) =>
    above.commands.map((command) => `${above.name()} ${command.name()}`),
  );
  const nearest = didYouMean(first, [...known, ...below]);
  root.error(`error: there is no command "${first}"${nearest}\nhomeostat --help lists them all`);
}
assertKnown(program, process.argv.slice(2));

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
