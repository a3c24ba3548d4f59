/** `homeostat rules …` at a server: automations from files. */
import { readFileSync } from 'node:fs';
import { ask, lineOf, type Server, say, type Told } from '../../contract/at-server.ts';

interface Spanned extends Server {
  from?: string;
  to?: string;
}

/** Exit code 1 for a rule that cannot go live. */
export async function checkRule(file: string, server: Server): Promise<void> {
  const { rule } = await checked(file, server);
  if (rule !== null) say(`${file}: it could go live`);
}

export async function putRule(file: string, server: Server): Promise<void> {
  const { source, rule } = await checked(file, server);
  if (rule === null) return;
  const { revision } = await ask<{ revision: number }>(server, 'PUT', `rules/${rule}`, { source });
  say(`${rule} is live in ${server.home} (revision ${revision})`);
}

/** Reads a rule and has it checked. `rule` null: it cannot go live, which has been said. */
async function checked(
  file: string,
  server: Server,
): Promise<{ source: string; rule: string | null }> {
  const source = readFileSync(file, 'utf8');
  const { ok, problems, definition } = await ask<{
    ok: boolean;
    problems: Told[];
    definition: { rule: string } | null;
  }>(server, 'POST', 'rules/check', { source });
  for (const problem of problems) say(lineOf(file, problem));
  if (!ok || !definition) process.exitCode = 1;
  return { source, rule: ok && definition ? definition.rule : null };
}

interface Performance {
  runs: number;
  failed: number;
  count: number;
}
interface Compared {
  from: string;
  to: string;
  turns: number;
  draft: Performance;
  live: Performance | null;
  more: Deed[];
  fewer: Deed[];
}
interface Deed {
  at: string;
  type: string;
  what: string;
}

export async function backtestRule(file: string, { from, to, ...server }: Spanned): Promise<void> {
  const rule = { source: readFileSync(file, 'utf8') };
  const span = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  compare(await ask<Compared>(server, 'POST', 'rules/backtest', { rule, ...span }));
}

function compare(result: Compared): void {
  say(`${result.from} to ${result.to}, ${result.turns} turns of the twins that it watches`);
  const tell = (name: string, { runs, failed, count }: Performance) =>
    say(`${name}: ${runs} runs, ${failed} failed, ${count} deeds`);
  tell('draft', result.draft);
  if (result.live) tell('live', result.live);
  for (const { at, type, what } of result.more) say(`  + ${at} ${type} ${what}`);
  for (const { at, type, what } of result.fewer) say(`  - ${at} ${type} ${what}`);
}

/** Tries a draft beside the rule that is live: both see the same traffic, and nothing comes of the draft. */
export async function putDraft(file: string, server: Server): Promise<void> {
  const { source, rule } = await checked(file, server);
  if (rule === null) return;
  await ask(server, 'PUT', `rules/${rule}/draft`, { source });
  say(`a draft of ${rule} is on trial in ${server.home}; homeostat rules draft show ${rule}`);
}

export async function showDraft(rule: string, server: Server): Promise<void> {
  const path = `rules/${encodeURIComponent(rule)}/draft`;
  compare((await ask<{ differences: Compared }>(server, 'GET', path)).differences);
}

export async function promoteDraft(rule: string, server: Server): Promise<void> {
  const path = `rules/${encodeURIComponent(rule)}/draft/promote`;
  const { revision } = await ask<{ revision: number }>(server, 'POST', path);
  say(`${rule} is live in ${server.home} (revision ${revision})`);
}

export async function discardDraft(rule: string, server: Server): Promise<void> {
  await ask(server, 'DELETE', `rules/${encodeURIComponent(rule)}/draft`);
  say(`the draft of ${rule} is gone`);
}

export async function explain(what: string, given: Spanned & { language: string }): Promise<void> {
  const { from, to, language, ...server } = given;
  const query = new URLSearchParams({ language });
  // Effects have a home, a twin and a revision in their id
  if (what.includes('/')) {
    const { sentence } = await ask<{ sentence: string }>(
      server,
      'GET',
      `explain/${encodeURIComponent(what)}?${query}`,
    );
    say(sentence);
    return;
  }
  if (from !== undefined) query.set('from', from);
  if (to !== undefined) query.set('to', to);
  const { sentence } = await ask<{ sentence: string }>(
    server,
    'GET',
    `rules/${encodeURIComponent(what)}/explain?${query}`,
  );
  say(sentence);
}
