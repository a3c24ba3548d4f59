/** What a reader of the log owes its destination: for each twin everything, in order. */
import { keyOf, turnOfId } from '../../engine/index.ts';
import type { Evidence } from './evidence.ts';
import type { Model } from './model.ts';

/**
 * Repetitions may come at any time; what is new comes in the order of the twin's turns.
 * @param isComplete whether each desired state has to have arrived, not the last alone
 * @returns checks what was received; violations as an operator would want to read them
 */
export function orderViolations({ isComplete }: { isComplete: boolean }) {
  return (model: Model, evidence: Evidence): string[] => [
    ...commandOrder(model),
    ...desiredOrder(model),
    ...desiredLosses(model, evidence, isComplete),
  ];
}

function commandOrder({ commands }: Model): string[] {
  const last = new Map<string, number>();
  const wrong: string[] = [];
  // In the order in which each came first
  for (const command of commands.values()) {
    const key = keyOf(command);
    const revision = turnOfId(command.id)?.revision ?? Number.NaN;
    const before = last.get(key) ?? -1;
    if (!(revision >= before)) wrong.push(`${command.id} came after that of turn ${before}`);
    last.set(key, revision);
  }
  return wrong;
}

function desiredOrder({ desired }: Model): string[] {
  const wrong: string[] = [];
  for (const [key, received] of desired) {
    const known = new Set<number>();
    let last = -1;
    for (const { revision, retained } of received) {
      // What the broker had kept for a device that came back overtakes what is still on its way
      if (retained || known.has(revision)) continue;
      if (revision < last) wrong.push(`${key}: what turn ${revision} desired came after ${last}`);
      known.add(revision);
      last = revision;
    }
  }
  return wrong;
}

function desiredLosses({ desired }: Model, evidence: Evidence, isComplete: boolean): string[] {
  const wrong: string[] = [];
  for (const { twin, journal } of evidence.twins) {
    const received = desired.get(keyOf(twin));
    if (!received) continue;
    const known = new Set(received.map(({ revision }) => revision));
    const meant = journal.filter((row) => row.desired !== null).map(({ revision }) => revision);
    for (const revision of isComplete ? meant : meant.slice(-1)) {
      if (!known.has(revision)) wrong.push(`${keyOf(twin)}: what turn ${revision} desired is lost`);
    }
  }
  return wrong;
}
