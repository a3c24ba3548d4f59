/** Twins of a kind that the engine does not know any more: they wait, and nothing of them is lost. */
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { defineKind } from '../kernel/define-kind.ts';
import { type Effect, memberEvents } from '../kind.ts';
import type { EventsOf } from '../model/kind.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';

const shed = defineKind({
  kind: 'shed',
  version: 1,
  description: 'A room for tests that knows who is in it.',
  events: memberEvents,
  commands: {},
  measurements: {},
  machine: setup({
    types: {} as {
      context: { members: string[] };
      events: EventsOf<typeof memberEvents>;
      emitted: Effect;
    },
  }).createMachine({
    context: { members: [] },
    on: {
      'member.joined': {
        actions: assign({ members: ({ context, event }) => [...context.members, event.member] }),
      },
      'member.left': {
        actions: assign({
          members: ({ context, event }) => context.members.filter((one) => one !== event.member),
        }),
      },
    },
  }),
  view: ({ members }) => ({ reported: { members }, desired: {}, settings: {} }),
});

const LAMP = { home: 'h1', twin: 'lamp' };
const by = { principal: 'admin', source: 'rest' };
const again = ({ storage, clock }: EngineBench, kinds = [shed]) =>
  startEngine({ kinds, storage, clock });

async function lampInShed(): Promise<EngineBench> {
  const bench = await startEngine({ kinds: [lamp, shed] });
  await bench.engine.createHome({ id: 'h1', name: 'h1', timezone: 'UTC' });
  await bench.engine.createTwin({ home: 'h1', twin: 'shed', kind: 'shed' }, by);
  await bench.engine.createTwin({ ...LAMP, kind: 'lamp', room: 'shed' }, by);
  await bench.send('lamp', { type: 'settings.changed', autoOffMs: 60_000 });
  await bench.send('lamp', { type: 'telemetry', on: true, power: 7 });
  await bench.engine[Symbol.asyncDispose]();
  return bench;
}

test('a twin whose kind is gone is shown, refuses with what to do, and goes on where it was when the kind is back', async () => {
  await using first = await lampInShed();
  const { engine } = await again(first);
  expect(await engine.readTwin(LAMP)).toMatchObject({
    row: { kind: 'lamp', revision: 2 },
    view: { reported: {} },
  });
  const gone = { message: 'h1/lamp is of kind "lamp"', hint: expect.stringContaining('KINDS_DIR') };
  const event = { type: 'telemetry', on: true, power: 9 };
  const receipt = await engine.dispatch({
    ...{ ...LAMP, id: 'lost', dedupe: true, event, at: first.clock.now(), source: 'mqtt' },
    ...{ cause: null, correlation: 'lost', principal: 'device', ifUnknown: 'create', kind: 'lamp' },
  });
  expect(receipt).toMatchObject({ status: 'rejected', code: 'state-unreadable' });
  const { items } = await first.storage.listDeadLetters('h1', { limit: 5 });
  expect(items).toMatchObject([{ hint: gone.hint }]);
  await expect(engine.replay(LAMP)).rejects.toMatchObject({
    code: 'unknown-kind',
    hint: gone.hint,
  });
  // Its deadline passes meanwhile, and nobody stumbles over it
  first.clock.advance(120_000);
  await engine.idle();
  expect(engine.health()).toEqual({ ready: true, problems: [] });
  await engine[Symbol.asyncDispose]();

  await using last = await again(first, [shed, lamp] as never);
  await last.engine.idle();
  expect((await last.engine.readTwin(LAMP))?.row.state.value).toBe('off');
  await last.engine.retryDeadLetter(items[0]?.id ?? '');
  expect((await last.engine.readTwin(LAMP))?.view.reported).toMatchObject({ power: 9 });
  expect(await last.engine.replay(LAMP)).toMatchObject({ ok: true });
});

test('it can be deleted, and its room hears of it', async () => {
  await using first = await lampInShed();
  await using bench = await again(first);
  const shedNow = () => bench.engine.readTwin({ home: 'h1', twin: 'shed' });
  expect((await shedNow())?.view.reported).toEqual({ members: ['lamp'] });
  await bench.engine.deleteTwin(LAMP, by);
  expect(await bench.engine.readTwin(LAMP)).toBeNull();
  expect((await shedNow())?.view.reported).toEqual({ members: [] });
});
