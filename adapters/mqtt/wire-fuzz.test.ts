import { once } from 'node:events';
import { connect as dial, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEngine, EngineTelemetry, openStorage } from '../../engine/index.ts';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { kinds } from '../../twins/catalogue.ts';
import { startMqtt } from './index.ts';
import { Device } from './testing/device.ts';
import { connectFrame, hostileFrame } from './testing/frames.ts';

/** `FUZZ_RUNS=20 npx vitest run adapters/mqtt/wire-fuzz.test.ts` does twenty times as much. */
const TIMES = Number(process.env.FUZZ_RUNS ?? 1);
const TELEMETRY = 'homeostat/home/relay/well-behaved/telemetry';

interface Life {
  greets: boolean;
  frames: Buffer[];
}
const life: fc.Arbitrary<Life> = fc.record({
  /** Some begin as they should; a broker hears most from those. */
  greets: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  frames: fc.array(hostileFrame, { minLength: 1, maxLength: 12, size: 'max' }),
});

it(
  'the embedded broker serves a well-behaved device whatever others send over the wire',
  async () => {
    await using storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 100 });
    const failures: unknown[] = [];
    let ids = 0;
    await using engine = await createEngine({
      storage,
      kinds,
      clock: new ManualClock(),
      newId: () => `id-${++ids}`,
      telemetry: new EngineTelemetry(),
      defaultTimezone: 'UTC',
      owner: 'test',
      destinations: { command: 'mqtt', desired: 'mqtt' },
      retention: { journal: 30, rollups: 30, ended: 30 },
    });
    await using adapter = await startMqtt({
      engine,
      signal: (name, fields) => {
        if (name === 'background.failed' || name === 'packet.withheld') failures.push(fields);
      },
      provisioning: 'open',
      mode: { embedded: { host: '127.0.0.1', port: 0, portFixed: false } },
    });
    const port = Number(new URL(adapter.url).port);
    await using device = await Device.connect(adapter.url, { clientId: 'well-behaved' });
    let power = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
        const rude = await Promise.all(
          lives.map((one, index) => annoy(port, `rude-${index}`, one)),
        );
        // Its own connection has lasted, and it is answered after the commit
        power++;
        await device.publish(TELEMETRY, { power });
        await device.publish(TELEMETRY, { power });
        await Promise.all(rude.map(hangUp));
        const twin = await engine.readTwin({ home: 'home', twin: 'well-behaved' });
        expect(twin?.view.reported).toMatchObject({ power });
        expect(adapter.stats().underway).toBe(0);
      }),
      { numRuns: 80 * TIMES },
    );
    expect(failures).toEqual([]);
    // Nobody who has gone is held on to
    await using newcomer = await Device.connect(adapter.url, { clientId: 'newcomer' });
    await newcomer.publish(TELEMETRY, { power: 0 });
    for (const { twin } of (await storage.listTwins('home', {}, { limit: 200 })).items) {
      expect(await engine.replay({ home: 'home', twin })).toMatchObject({ ok: true });
    }
  },
  60_000 * TIMES,
);

/** Sends it all and stays, as far as the broker lets it. */
async function annoy(port: number, clientId: string, { greets, frames }: Life): Promise<Socket> {
  const socket = dial(port, '127.0.0.1');
  // Cut off by the broker, as it should be
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (greets) {
    socket.write(connectFrame(clientId));
    await once(socket, 'data');
  }
  socket.resume();
  for (const frame of frames) if (socket.writable) socket.write(frame);
  return socket;
}

/** Without a goodbye. */
async function hangUp(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}
