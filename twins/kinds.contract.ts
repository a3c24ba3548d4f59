/** What every kind promises, and what the kinds of the house promise beyond it. */
import { describe, expect, it } from 'vitest';
import type { EventMakers } from '../engine/authoring/life.ts';
import { PROMISES } from '../engine/authoring/promises.ts';
import { provePromise } from '../engine/authoring/prove-kind.ts';
import { TwinBench } from '../engine/authoring/twin-bench.ts';
import type { AnyKind } from '../engine/kind.ts';
import { linkSenders } from './link/link.ts';

/** Small enough to stay in one hot row of a table with a million of them. */
const CONTEXT_BYTES = 1_536;

/** @param given by event type, events that no schema describes well enough to be made at random */
export function describeKind(kind: AnyKind, given: EventMakers = {}): void {
  // Other lives each time: what fails says its seed
  const seed = Math.floor(Math.random() * 2 ** 32);
  describe(`kind ${kind.kind}`, () => {
    for (const promise of PROMISES) {
      it(promise.says, () => {
        expect(() => provePromise(kind, promise, { seed, events: given })).not.toThrow();
      });
    }

    it('is born small', () => {
      const { context } = new TwinBench(kind).twin.state;
      expect(JSON.stringify(context).length).toBeLessThan(CONTEXT_BYTES);
    });

    it('lets nobody say what its link says itself', () => {
      if (!Object.hasOwn(kind.events, 'link.restored')) return;
      expect(kind.senders, 'defineKind needs `senders: linkSenders`').toMatchObject(linkSenders);
    });

    it('names every guard and action, so that its diagram can be read', () => {
      const nodes = [kind.machine.root];
      for (const node of nodes) {
        nodes.push(...Object.values(node.states as typeof nodes));
        const transitions = [...node.transitions.values(), ...(node.always ?? [])].flat();
        for (const action of [...node.entry, ...node.exit]) expect(nameOf(action)).toBeTruthy();
        for (const transition of transitions) {
          if (transition.guard !== undefined) {
            expect(Object.keys(kind.machine.implementations.guards)).toContain(
              nameOf(transition.guard),
            );
          }
          for (const action of transition.actions) expect(nameOf(action)).toBeTruthy();
        }
      }
    });
  });
}

function nameOf(use: unknown): string | undefined {
  if (typeof use === 'string') return use;
  const { type } = use as { type?: unknown };
  return typeof type === 'string' && !type.startsWith('xstate.assign') ? type : undefined;
}
