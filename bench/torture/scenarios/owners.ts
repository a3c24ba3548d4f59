import { within } from '../patience.ts';
import { BOTH_STORES, type Scenario } from '../scenario.ts';
import { type Scene, trouble } from '../trouble.ts';

const TAKEOVER_MS = 60_000;

/** A second engine on the same database is refused; one that waits takes over when the first dies. */
const second: Scenario = {
  name: 'second-engine',
  stores: BOTH_STORES,
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, {}, async (scene) => {
      const { world, goOn } = scene;
      await refused(scene);
      // It holds its homes although it does nothing
      world.engine.signal('SIGSTOP');
      await refused(scene);
      world.engine.signal('SIGCONT');
      await goOn(50, 200);
      const heir = await world.rival({ TAKEOVER_WAIT_SECONDS: '120' });
      const takesOver = heir.start();
      takesOver.catch(() => {}); // awaited below
      await goOn(100, 400);
      await world.engine.kill();
      await within(TAKEOVER_MS, 'the second takes over', takesOver);
      world.engine = heir;
      await goOn(100, 400);
      return { takeovers: 1 };
    }),
};

async function refused({ world }: Scene): Promise<void> {
  const rival = await world.rival({ TAKEOVER_WAIT_SECONDS: '1' });
  const outcome = await rival.start().then(
    () => 'it runs beside the first',
    () => rival.output,
  );
  if (!outcome.includes('belongs to a running engine')) {
    throw new Error(`a second engine was not refused as it should be:\n${outcome}`);
  }
}

/**
 * The first stands still, its connections break, the second takes over; then the first goes on
 * where it was, with a batch in its hands. It must store nothing more, and end.
 */
const fenced: Scenario = {
  name: 'fenced-engine',
  stores: ['postgres'],
  brokers: ['mosquitto'],
  run: (ground, random) =>
    trouble(ground, random, { world: { wires: ['store'] } }, async ({ world, goOn }) => {
      const first = world.engine;
      const heir = await world.rival({
        DATABASE_URL: world.databaseUrl,
        TAKEOVER_WAIT_SECONDS: '120',
      });
      first.signal('SIGSTOP');
      world.storeWire?.cut();
      await within(TAKEOVER_MS, 'the second takes over', heir.start());
      world.engine = heir;
      await goOn(50, 300);
      const ended = first.ended();
      world.storeWire?.mend();
      first.signal('SIGCONT');
      const { code } = await within(TAKEOVER_MS, 'the first ends', ended);
      if (code !== 1) throw new Error(`the first engine ended with ${code}:\n${first.output}`);
      await goOn(50, 300);
      return { fenced: 1 };
    }),
};

export const owners: readonly Scenario[] = [second, fenced];
