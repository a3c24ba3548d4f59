import { describe, expect, it } from 'vitest';
import { checkRule } from '../check/check.ts';
import { readRule } from '../rule-definition.ts';
import { startRules } from '../testing/rule-bench.ts';
import { printProblem } from './problem.ts';

const withAction = (webhook: string) => `rule: r
triggers: [{ webhook: bell }, { start: true }]
actions:
  - webhook: ${webhook}
`;
const problemsOf = (webhook: string) =>
  readRule(withAction(webhook)).problems.map(printProblem).join('\n');

describe('a webhook action', () => {
  it('is as it is written, with the secrets apart', () => {
    const { value } = readRule(
      withAction(
        '{ url: "https://example.org/x?a=${trigger.body.a}", headers: { x-a: "${trigger.id}", authorization: "Bearer ${secrets.token}" }, timeout: 5s, expect: 204 }',
      ),
    );
    expect(value?.actions).toEqual([
      {
        ...{ type: 'webhook', method: 'POST', timeout: 5_000, expect: [204] },
        url: 'https://example.org/x?a=${trigger.body.a}',
        headers: { 'x-a': '${trigger.id}' },
        secretHeaders: { authorization: 'Bearer ${secrets.token}' },
      },
    ]);
  });

  it.each([
    '"ftp://example.org/"',
    '"example.org/x"',
    '"https://${trigger.body.host}/x"',
    '"https://example.org${trigger.body.rest}"',
    '"https://${\'a\'}.example.org/"',
    '"https://example.org:${1}/"',
    '"https://me:secret@example.org/"',
    '"https://example.org\\\\@evil.example/"',
  ])('goes to no host that an expression chooses, and to http only: %s', (url) => {
    expect(problemsOf(`{ url: ${url} }`)).toContain('an address begins with http');
  });

  it.each([
    ['{ url: "https://a.example/", headers: { Host: x } }', 'has of itself'],
    ['{ url: "https://a.example/", headers: { "a b": x } }', 'no name of a header'],
    [
      '{ url: "https://a.example/", headers: { a: "${secrets.x} ${trigger.id}" } }',
      'has no other expression',
    ],
    ['{ url: "https://a.example/", method: GET, body: x }', 'a GET has no body'],
    ['{ url: "https://a.example/", timeout: 5m }', 'a timeout is 1s to 30s'],
    ['{ url: "https://a.example/", method: POTS }', 'did you mean "POST"'],
    ['{ url: "https://a.example/", headrs: {} }', 'did you mean "headers"'],
  ])('%s is refused', (webhook, reason) => {
    expect(problemsOf(webhook)).toContain(reason);
  });
});

describe('a secret', () => {
  it.each([
    '{ url: "https://a.example/?t=${secrets.token}" }',
    '{ url: "https://a.example/", body: "${secrets.token}" }',
  ])('stands in headers only: %s', (webhook) => {
    const { value } = readRule(withAction(webhook));
    if (!value) throw new Error('it is no rule');
    const home = { twins: new Map(), kinds: new Map(), rules: [] };
    expect(checkRule(value, home).map(printProblem)).toEqual([
      expect.stringContaining('secrets stand in headers of webhooks only'),
    ]);
  });
});

describe('a rule that hears of the outside', () => {
  it('asks for a request in which no value can change where it goes', async () => {
    await using home = await startRules();
    await home.define(
      withAction(
        '{ url: "https://example.org/x?a=${trigger.body.a}&b=1", headers: { x-a: "${trigger.body.a}" }, body: { got: "${trigger.body}" } }',
      ),
    );
    const a = '&b=2#/../é "${secrets.token}"';
    await home.bench.tell('r', { type: 'webhook.called', hook: 'bell', body: { a } });
    const { items } = await home.bench.storage.listJournal({ home: 'h1', twin: 'r' }, { limit: 1 });
    expect(items[0]?.effects).toEqual([
      {
        ...{ type: 'webhook', id: expect.stringMatching(/^h1\/r@\d+\.[\w-]+#0$/), method: 'POST' },
        url: `https://example.org/x?a=${encodeURIComponent(a)}&b=1`,
        headers: { 'x-a': a },
        body: { got: { a } },
      },
    ]);
  });

  it('runs once for a start', async () => {
    await using home = await startRules();
    await home.define(withAction('{ url: "https://example.org/" }'));
    const event = { type: 'engine.started', start: 's1' };
    await home.bench.tell('r', event);
    expect(await home.reported('r')).toMatchObject({ runs: 1, lastOutcome: 'finished' });
  });

  it('hears nothing of that sort from outside', async () => {
    await using home = await startRules();
    await home.define(withAction('{ url: "https://example.org/" }'));
    for (const event of [
      { type: 'engine.started', start: 's1' },
      { type: 'webhook.called', hook: 'bell', body: null },
    ]) {
      const receipt = await home.bench.send('r', event, { source: 'rest' });
      expect(receipt).toMatchObject({ status: 'rejected', code: 'unknown-event' });
    }
  });
});
