import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodecSet } from '../../adapters/mqtt/codec-set.ts';
import { nativeCodec } from '../../adapters/mqtt/codecs/native.ts';
import { Intake } from '../../adapters/mqtt/intake.ts';
import { EngineError, type Inbound } from '../../engine/index.ts';
import { idLike } from '../../engine/testing/ids.ts';
import { ApiBench } from '../http/testing/api-bench.ts';

describe('dead letters', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  /** What a device sends before its home exists. */
  const strayEvent = () => {
    const envelope: Inbound = {
      home: 'h1',
      twin: 'l1',
      id: 'e1',
      dedupe: true,
      event: { type: 'telemetry', power: 5 },
      at: api.clock.now(),
      source: 'mqtt',
      principal: 'device',
      kind: 'lamp',
      ifUnknown: 'reject',
    };
    return api.engine.dispatch(envelope);
  };
  const strayPacket = () =>
    api.engine.bury({
      source: 'mqtt',
      home: null,
      twin: null,
      topic: 'nonsense',
      payload: Buffer.from('{'),
      code: 'bad-input',
      error: 'not JSON',
      hint: 'Send JSON.',
    });

  it('lists those of a home, and all of them', async () => {
    await strayEvent();
    api.clock.advance(1);
    await strayPacket();
    const ofHome = await api.get('/v1/homes/h1/dead-letters');
    expect(ofHome.items).toMatchObject([
      {
        home: 'h1',
        twin: 'l1',
        source: 'mqtt',
        code: 'unknown-twin',
        at: '2026-01-05T00:00:00.000Z',
        content: { type: 'envelope', event: { type: 'telemetry', power: 5 }, eventId: 'e1' },
      },
    ]);
    const all = await api.get('/v1/dead-letters');
    expect(all.items).toHaveLength(2);
    expect(all.items[0]).toMatchObject({
      home: null,
      content: { type: 'packet', topic: 'nonsense', payload: 'ew==', truncated: false },
    });
    const page = await api.get('/v1/dead-letters?limit=1');
    const rest = await api.get(`/v1/dead-letters?limit=1&cursor=${page.body.nextCursor}`);
    expect(rest.items).toEqual(ofHome.items);
  });

  it('tries one again, in vain until its reason is gone', async () => {
    await strayEvent();
    const [letter] = (await api.get('/v1/homes/h1/dead-letters')).items;
    const retry = `/v1/homes/h1/dead-letters/${letter?.id}/retry`;
    const inVain = await api.post(retry);
    expect(inVain.body).toMatchObject({ resolved: false, reason: expect.any(String) });
    await api.furnish();
    expect((await api.post(retry)).body).toMatchObject({ resolved: true });
    expect((await api.get('/v1/homes/h1/twins/l1')).body.reported).toEqual({ power: 5 });
    expect((await api.post(retry)).status).toBe(404);
    expect((await api.get('/v1/dead-letters')).items).toEqual([]);
  });

  it('tries one of no home again', async () => {
    await strayPacket();
    const [letter] = (await api.get('/v1/dead-letters')).items;
    const retry = `/v1/dead-letters/${letter?.id}/retry`;
    expect((await api.post(retry)).body).toMatchObject({ resolved: false });
    using _source = api.engine.addPacketSource('mqtt', async () => {});
    expect((await api.post(retry)).body).toMatchObject({ resolved: true });
  });

  it('says why a packet still cannot be read, as of an event', async () => {
    await strayPacket();
    const [letter] = (await api.get('/v1/dead-letters')).items;
    using _source = api.engine.addPacketSource('mqtt', async () => {
      throw new EngineError('bad-input', 'the payload is not JSON');
    });
    const inVain = await api.post(`/v1/dead-letters/${letter?.id}/retry`);
    expect([inVain.status, inVain.body]).toMatchObject([
      200,
      { resolved: false, reason: 'the payload is not JSON', letter: { id: letter?.id } },
    ]);
    expect((await api.get('/v1/dead-letters')).items).toHaveLength(1);
  });

  it('leaves one letter of a packet whose event is refused, however often it is tried', async () => {
    await api.furnish();
    const codec = nativeCodec('homeostat');
    using _intake = new Intake({
      engine: api.engine,
      codecs: new CodecSet([codec], codec),
      provisioning: () => 'closed',
      signal: () => undefined,
      onOnline: () => undefined,
      limit: 10,
    });
    // What the codec of its day could not read, today's can; the twin still refuses it
    await api.engine.bury({
      ...{ source: 'mqtt', home: 'h1', twin: 'l1', topic: 'homeostat/h1/lamp/l1/event' },
      payload: Buffer.from('{"type": "break"}'),
      ...{ code: 'bad-input', error: 'not JSON', hint: 'Send JSON.' },
    });
    const [letter] = (await api.get('/v1/dead-letters')).items;
    for (let times = 0; times < 2; times++) {
      const inVain = await api.post(`/v1/dead-letters/${letter?.id}/retry`);
      expect(inVain.body).toMatchObject({ resolved: false, reason: expect.any(String) });
      expect((await api.get('/v1/dead-letters')).items).toEqual([letter]);
    }
  });

  it('does not show a home the letters of another', async () => {
    await strayEvent();
    const [letter] = (await api.get('/v1/dead-letters')).items;
    expect((await api.post(`/v1/homes/h2/dead-letters/${letter?.id}/retry`)).status).toBe(404);
    expect((await api.get('/v1/homes/h2/dead-letters')).items).toEqual([]);
  });

  it('keeps and shows a delivery that its destination refused for good', async () => {
    using _sink = api.engine.addSink({
      name: 'mqtt',
      takes: ['command', 'desired'],
      deliver: async (rows) => rows.map(() => ({ status: 'refused', error: 'no such device' })),
    });
    await api.furnish();
    await api.post('/v1/homes/h1/twins/l1/commands', { name: 'switch', args: { on: true } });
    await api.engine.idle();
    const { items } = await api.get('/v1/homes/h1/dead-letters');
    expect(items).toMatchObject([
      { error: 'no such device', content: { type: 'delivery', id: idLike('h1/l1@1#0') } },
    ]);
    expect((await api.get('/v1/homes/h1/intents')).items).toMatchObject([
      { status: 'failed', error: 'no such device' },
    ]);
  });

  it('answers 404 for one that does not exist', async () => {
    expect((await api.post('/v1/dead-letters/x/retry')).status).toBe(404);
    expect((await api.post('/v1/homes/h1/dead-letters/x/retry')).status).toBe(404);
    expect((await api.get('/v1/homes/%20/dead-letters')).status).toBe(404);
  });
});
