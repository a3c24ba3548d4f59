import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isName } from '../../engine/index.ts';
import { startEngine } from '../../engine/testing/engine-bench.ts';
import { kinds } from '../../twins/catalogue.ts';
import type { Decoded, InboundPacket } from './codec.ts';
import { CodecSet } from './codec-set.ts';
import { loadTemplates } from './codecs/template-file.ts';
import type { Provisioning } from './envelope-of.ts';
import { Intake } from './intake.ts';
import type { PacketOutcome } from './signals.ts';
import { codecFiles } from './testing/codec-files.ts';
import { dialects } from './testing/dialects.ts';

/** `FUZZ_RUNS=20 npx vitest run adapters/mqtt/fuzz.test.ts` does twenty times as much. */
const TIMES = Number(process.env.FUZZ_RUNS ?? 1);
const DEAD_LETTERS = 100;

const templates = await loadTemplates(
  fileURLToPath(new URL('./codecs/templates.example.yaml', import.meta.url)),
);
const all = Object.entries(dialects(templates));

it('every codec is tried', () => {
  // What messages for rules hold may be anything: codecs/messages.test.ts
  const tried = [...all.map(([name]) => name), 'messages'];
  expect(tried.sort(), 'adapters/mqtt/testing/dialects.ts has one of each').toEqual(codecFiles());
});

describe('a codec', () => {
  it.each(all)(
    '%s reads whatever it is given without a throw, and names no twin that cannot be',
    (_name, { codec: make, packets: packet }) => {
      fc.assert(
        fc.property(fc.array(packet, { maxLength: 12, size: 'max' }), (packets) => {
          const codec = make();
          for (const packet of packets) {
            // The adapter hands it no others
            if (codec.matches(packet.topic)) codec.decode(packet).forEach(assertDeclared);
          }
        }),
        { numRuns: 250 * TIMES },
      );
    },
    60_000 * TIMES,
  );
});

function assertDeclared(decoded: Decoded): void {
  switch (decoded.type) {
    case 'ignored':
      expect(decoded.reason).not.toBe('');
      return;
    case 'unknown-topic':
      expect(decoded.hint).not.toBe('');
      return;
    case 'refused': {
      const { home = 'none', twin = 'none', error, hint } = decoded;
      expect([isName(home), isName(twin), error !== '', hint !== '']).not.toContain(false);
      return;
    }
    case 'event': {
      const { home, twin, event, at = 0, id = 'none', via = '', kind = 'none' } = decoded;
      expect([isName(home), isName(twin), isName(kind)]).not.toContain(false);
      expect([typeof event.type, typeof at, typeof id, typeof via]).toEqual([
        ...['string', 'number', 'string', 'string'],
      ]);
      // The engine stores JSON, in which NaN and Infinity would come back as null
      JSON.stringify([event, at], (_key, value: unknown) => {
        if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        return value;
      });
    }
  }
}

describe('the way in', () => {
  const packets = fc.oneof(
    ...all.map(([name, dialect]) => ({
      weight: name === 'native' ? 4 : 1,
      arbitrary: dialect.packets,
    })),
  );
  const provisionings: readonly Provisioning[] = ['open', 'claim', 'closed'];

  it(
    'comes to a verdict on every packet, counts and keeps what it refuses, and takes the next',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...provisionings),
          fc.array(packets, { maxLength: 60, size: 'max' }),
          withstand,
        ),
        { numRuns: 60 * TIMES },
      );
    },
    60_000 * TIMES,
  );
});

async function withstand(
  provisioning: Provisioning,
  packets: readonly InboundPacket[],
): Promise<void> {
  await using bench = await startEngine({ kinds });
  const { engine, storage, clock } = bench;
  const codecs = all.map(([, { codec }]) => codec());
  const outcomes: PacketOutcome[] = [];
  const withheld: unknown[] = [];
  using intake = new Intake({
    engine,
    codecs: new CodecSet(codecs, codecs[0]!),
    provisioning: () => provisioning,
    signal: (name, fields) => {
      if (name === 'packet.settled' && 'outcome' in fields) outcomes.push(fields.outcome);
      if (name === 'packet.withheld') withheld.push(fields);
    },
    onOnline: () => undefined,
    limit: 1_000,
  });
  const verdicts = await Promise.all(packets.map((packet) => intake.take(packet)));
  expect(withheld).toEqual([]);
  expect(verdicts).not.toContain('withheld');
  expect(outcomes.length).toBeGreaterThanOrEqual(packets.length);

  const kept = bench.signals.filter(({ name }) => name === 'dead-letter.kept').length;
  const refused = outcomes.filter((outcome) => ['refused', 'rejected'].includes(outcome)).length;
  const { items: waiting } = await storage.listCandidates(null, { limit: 200 });
  const waited = waiting.reduce((sum, { messages }) => sum + messages, 0);
  expect(kept + waited).toBeGreaterThanOrEqual(refused);
  expect(bench.signals.filter(({ name }) => name === 'dead-letter.lost')).toEqual([]);

  // The same devices, making sense again
  const at = clock.now();
  for (const twin of ['pump', 'h1', 'good']) {
    await engine
      .createHome({ id: 'home', name: 'Home', timezone: 'UTC' })
      .catch(() => storage.getHome('home'));
    const there = await storage.getTwin({ home: 'home', twin });
    const kind = there?.kind ?? 'relay';
    if (!there) {
      await engine.createTwin({ home: 'home', twin, kind }, { principal: 'a', source: 'rest' });
    }
    const before = (await storage.getTwin({ home: 'home', twin }))?.revision ?? 0;
    const topic = `homeostat/home/${kind}/${twin}/status`;
    const more = { qos: 1 as const, dup: false, replayed: false };
    expect(await intake.take({ topic, payload: Buffer.from('online'), ...more })).toBe('settled');
    expect(outcomes.at(-1)).toBe(kind === 'room' ? 'rejected' : 'accepted');
    const after = (await storage.getTwin({ home: 'home', twin }))?.revision ?? 0;
    if (kind !== 'room') expect(after).toBeGreaterThan(before);
  }
  expect(clock.now()).toBe(at);

  for (const { id: home } of (await storage.listHomes({ limit: 200 })).items) {
    for (const { twin } of (await storage.listTwins(home, {}, { limit: 200 })).items) {
      expect(await engine.replay({ home, twin })).toMatchObject({ ok: true });
    }
    const { items } = await storage.listDeadLetters(home, { limit: 1_000 });
    expect(items.length).toBeLessThanOrEqual(DEAD_LETTERS);
  }
}
