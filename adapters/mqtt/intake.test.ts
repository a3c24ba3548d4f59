import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import type { Codec, InboundPacket } from './codec.ts';
import { CodecSet } from './codec-set.ts';
import { homesyncCodec } from './codecs/homesync.ts';
import { nativeCodec } from './codecs/native.ts';
import { Intake } from './intake.ts';
import type { MqttSignals } from './signals.ts';
import { FakeEngine } from './testing/fake-engine.ts';
import { Recorder } from './testing/recorder.ts';

const TELEMETRY = 'homeostat/home/relay/pump/telemetry';

let clock: ManualClock;
let engine: FakeEngine;
let signals: Recorder<string>;
let onlines: number;

beforeEach(() => {
  clock = new ManualClock();
  engine = new FakeEngine(clock);
  signals = new Recorder();
  onlines = 0;
});

function intakeOf(
  more: { codecs?: Codec[]; provisioning?: 'open' | 'claim' | 'closed'; limit?: number } = {},
) {
  const native = nativeCodec('homeostat');
  return new Intake({
    engine: engine.door,
    codecs: new CodecSet(more.codecs ?? [native, homesyncCodec()], native),
    provisioning: () => more.provisioning ?? 'open',
    signal: <N extends keyof MqttSignals>(name: N, fields: MqttSignals[N]) => {
      signals.push('outcome' in fields ? `${name} ${fields.outcome}` : name);
    },
    onOnline: () => onlines++,
    limit: more.limit ?? 100,
  });
}

function packet(
  topic: string,
  payload: object | string,
  more: Partial<InboundPacket> = {},
): InboundPacket {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return {
    topic,
    payload: Buffer.from(text),
    qos: 1,
    dup: false,
    replayed: false,
    packetId: 1,
    ...more,
  };
}

describe('the id of an event', () => {
  it('is the sender’s where it gives one', async () => {
    const intake = intakeOf();
    await intake.take(packet(TELEMETRY, { power: 1, id: 'p1' }));
    await intake.take(packet(TELEMETRY, { power: 1 }, { userId: 'u1' }));
    await intake.take(packet(TELEMETRY, { power: 1, id: 7 }, { userId: 'u1' }));
    expect(engine.dispatched.items.map(({ id, dedupe }) => [id, dedupe])).toEqual([
      ['p1', true],
      ['u1', true],
      ['7', true],
    ]);
  });

  it('is the packet’s where it gives none: two equal readings are two events, a redelivered one is the same', async () => {
    const intake = intakeOf();
    await intake.take(packet(TELEMETRY, { power: 1 }, { packetId: 1 }));
    await intake.take(packet(TELEMETRY, { power: 1 }, { packetId: 2 }));
    await intake.take(packet(TELEMETRY, { power: 1 }, { packetId: 1, dup: true }));
    const [first, second, again] = engine.dispatched.items;
    expect(first?.id).not.toBe(second?.id);
    expect(again?.id).toBe(first?.id);
    expect([first, second, again].map((envelope) => envelope?.dedupe)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('tells a replayed reading that we had from a new one, and a replayed status from nothing', async () => {
    const intake = intakeOf();
    await intake.take(packet(TELEMETRY, { power: 1 }, { packetId: 1, replayed: true }));
    await intake.take(packet(TELEMETRY, { power: 1 }, { packetId: 9, replayed: true }));
    await intake.take(packet('homeostat/home/relay/pump/status', 'online', { replayed: true }));
    const [first, second, status] = engine.dispatched.items;
    expect(second).toMatchObject({ id: first?.id, dedupe: true });
    expect(status).toMatchObject({ dedupe: false, event: { type: 'status', online: true } });
    expect(onlines).toBe(1);
  });

  it('differs for each of the things that one packet says', async () => {
    await intakeOf().take(
      packet('homesync/home/nodes/pump/response/command', { id: 'c1', ok: true, state: 'on' }),
    );
    const [ack, telemetry] = engine.dispatched.items;
    expect([ack?.event.type, telemetry?.event.type]).toEqual(['ack', 'telemetry']);
    expect(ack?.id).not.toBe(telemetry?.id);
    expect(ack?.correlation).toBe(telemetry?.correlation);
  });
});

describe('the envelope', () => {
  it('keeps a sane device time and replaces any other', async () => {
    const intake = intakeOf();
    const now = clock.now();
    await intake.take(packet(TELEMETRY, { power: 1, at: now - 60_000 }));
    await intake.take(packet(TELEMETRY, { power: 1, at: '2025-12-31T23:00:00Z' }));
    await intake.take(packet(TELEMETRY, { power: 1, at: 12 }));
    await intake.take(packet(TELEMETRY, { power: 1, at: now + 3_600_000 }));
    await intake.take(packet(TELEMETRY, { power: 1, at: '2025-12-31T23:00:00' }));
    expect(engine.dispatched.items.map(({ at }) => at)).toEqual([
      now - 60_000,
      Date.parse('2025-12-31T23:00:00Z'),
      now,
      now,
      now,
    ]);
  });

  it.each([
    ['open', 'create'],
    ['claim', 'candidate'],
    ['closed', 'reject'],
  ] as const)('follows the policy %s for unknown devices', async (provisioning, ifUnknown) => {
    const intake = intakeOf({ provisioning });
    await intake.take(packet(TELEMETRY, { power: 1 }));
    await intake.take(packet('homeostat/home/relay/pump/ack', { id: 'c', ok: true }));
    expect(engine.dispatched.items.map((envelope) => envelope.ifUnknown)).toEqual([
      ifUnknown,
      'reject',
    ]);
  });
});

describe('the verdict', () => {
  it('is settled for what the engine accepts, knows or rejects', async () => {
    const intake = intakeOf();
    expect(await intake.take(packet(TELEMETRY, { power: 1 }))).toBe('settled');
    engine.answer = () => ({ status: 'rejected', code: 'unknown-kind', reason: 'no' });
    expect(await intake.take(packet(TELEMETRY, { power: 1 }))).toBe('settled');
    expect(engine.buried.items).toEqual([]);
    expect(signals.items).toEqual(['packet.settled accepted', 'packet.settled rejected']);
  });

  it('is settled for what no codec can read, and for a codec that throws', async () => {
    const broken: Codec = {
      name: 'broken',
      filters: [{ filter: 'broken/#' }],
      matches: (topic) => topic.startsWith('broken/'),
      decode: () => {
        throw new Error('oops');
      },
      encode: () => null,
    };
    const intake = intakeOf({ codecs: [broken] });
    expect(await intake.take(packet('broken/x', {}))).toBe('settled');
    expect(engine.buried.items).toMatchObject([
      { error: 'the broken codec failed: oops', source: 'mqtt' },
    ]);
  });

  it('is foreign for topics that nobody asked for', async () => {
    expect(await intakeOf().take(packet('garden/gate', 'open'))).toBe('foreign');
    expect(engine.buried.items).toEqual([]);
  });

  it('is withheld from the stop of the engine or of the intake on', async () => {
    const intake = intakeOf();
    engine.stop();
    expect(await intake.take(packet(TELEMETRY, { power: 1 }))).toBe('withheld');
    intake[Symbol.dispose]();
    expect(await intake.take(packet(TELEMETRY, { power: 1 }))).toBe('withheld');
    expect(engine.dispatched.items).toEqual([]);
  });

  it('is withheld for a packet that waited for room in vain', async () => {
    engine.hold();
    engine.mailbox = 1;
    const intake = intakeOf();
    const verdicts = [1, 2, 3].map((power) => intake.take(packet(TELEMETRY, { power })));
    await signals.first((name) => name === 'intake.waiting');
    engine.stop();
    engine.commit();
    expect(await Promise.all(verdicts)).toEqual(['settled', 'withheld', 'withheld']);
  });
});

describe('a full mailbox', () => {
  it('keeps the order, and holds up no other home', async () => {
    engine.hold();
    engine.mailbox = 2;
    const intake = intakeOf({ limit: 20 });
    const verdicts = Array.from({ length: 10 }, (_, power) =>
      intake.take(packet(TELEMETRY, { power })),
    );
    await signals.first((name) => name === 'intake.waiting');
    expect(intake.underway).toBe(10);
    while (engine.dispatched.items.length < 10) {
      engine.commit();
      await engine.dispatched.count(Math.min(10, engine.dispatched.items.length + 1));
    }
    engine.release();
    expect(new Set(await Promise.all(verdicts))).toEqual(new Set(['settled']));
    expect(engine.dispatched.items.map(({ event }) => event.power)).toEqual([...Array(10).keys()]);
  });

  it('turns the tap off at the limit and on again', async () => {
    engine.hold();
    const intake = intakeOf({ limit: 2 });
    const verdicts = [1, 2].map((power) => intake.take(packet(TELEMETRY, { power })));
    expect(intake.hasRoom).toBe(false);
    const room = intake.room();
    engine.commit(1);
    await room;
    expect(intake.hasRoom).toBe(true);
    engine.release();
    await Promise.all(verdicts);
    await intake.idle();
  });
});

describe('dead letters', () => {
  it('name the twin as far as the topic does', async () => {
    await intakeOf().take(packet(TELEMETRY, '{"power": 1,}'));
    await intakeOf().take(packet('homeostat/-home/relay/pump/telemetry', {}));
    expect(engine.buried.items).toMatchObject([
      { home: 'home', twin: 'pump', code: 'bad-input', topic: TELEMETRY },
      { home: null, twin: null },
    ]);
  });

  it('keep an unknown topic once an hour', async () => {
    const intake = intakeOf();
    const unknown = packet('homeostat/home/relay/pump/telemetrie', {});
    for (let n = 0; n < 3; n++) await intake.take(unknown);
    expect(engine.buried.items).toHaveLength(1);
    expect(signals.items).toHaveLength(3);
    clock.advance(3_600_000);
    await intake.take(unknown);
    expect(engine.buried.items).toHaveLength(2);
  });

  it('are dispatched anew by a retry, or say why not', async () => {
    intakeOf();
    const retry = (topic: string, payload: object | string) =>
      engine.redeliver?.(
        topic,
        Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
      );
    await retry(TELEMETRY, { power: 1 });
    await retry(TELEMETRY, { power: 1 });
    const [first, second] = engine.dispatched.items;
    // The letter stays until it works: a refusal makes no second one
    expect(first).toMatchObject({ event: { power: 1 }, kept: true });
    expect(second?.id).not.toBe(first?.id);
    await expect(retry(TELEMETRY, '{')).rejects.toMatchObject({ code: 'bad-input' });
    await expect(retry('homeostat/x', '{}')).rejects.toMatchObject({ code: 'bad-input' });
    engine.answer = () => ({ status: 'rejected', code: 'unknown-kind', reason: 'no kind' });
    await expect(retry(TELEMETRY, { power: 1 })).rejects.toMatchObject({ code: 'unknown-kind' });
  });
});
