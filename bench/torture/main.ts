/** `npm run torture`: breaks Homeostat for some minutes, by seeds that are printed. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { SCENARIOS } from './catalogue.ts';
import { run } from './run.ts';

const names = SCENARIOS.map(({ name }) => name);

const program = new Command('torture')
  .description('Breaks Homeostat on purpose and holds it to its promises.')
  .option('--minutes <n>', 'begin no scenario after this time', positive, 5)
  .option('--rounds <n>', 'go through all scenarios this often at most', positive)
  .option('--seed <n>', 'the same seed makes the same choices', natural)
  .option('--only <scenarios>', `of these, with commas: ${names.join(', ')}`, known)
  .addOption(new Option('--store <store>').choices(['sqlite', 'postgres']))
  .addOption(new Option('--broker <broker>').choices(['mosquitto', 'embedded']))
  .option('--behind <positions>', 'how far reader-behind lets the outbox fall behind', positive)
  .option('--record', 'keep the outcome in bench/results');

program.parse();

const stop = new AbortController();
// The PostgreSQL package would end this process at once and with 0; here everything is put away first
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.removeAllListeners(signal);
  process.once(signal, () => stop.abort(new Error(`broken off by ${signal}`)));
}
const failures = await run(program.opts(), stop.signal);
process.exit(failures === 0 && !stop.signal.aborted ? 0 : 1);

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('must be a number above 0');
  return value;
}

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('must be 0 or more');
  return value;
}

function known(text: string): string[] {
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`there is no ${unknown.join(', ')}`);
  return wanted;
}
