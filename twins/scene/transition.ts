/** Numbers on their way to a scene, step by step. */
import type { Facts, Json } from '../../engine/kind.ts';
import { reportOf, type Wishes, wishOf } from './wishes.ts';

export type Transition = {
  /** Epoch ms. */
  startedAt: number;
  ms: number;
  /** How many there are, and how many have been taken. */
  steps: number;
  taken: number;
  moves: Move[];
};

/** One value on its way. */
export type Move = {
  twin: string;
  key: string;
  from: number;
  to: number;
  /** What the twin wanted when it was last looked at, and what it was told then. */
  seen: Json;
  told: Json;
  /** It does not take what lies in between: it is told the end only. */
  waits: boolean;
};

const MAX_STEPS = 20;
/** More often than this nobody sees. */
const SHORTEST_STEP_MS = 250;
/** A twin may round what it is told. */
const ROUNDING = 0.5;

/**
 * The way from what the twins want, or else report, to the numbers of the entries; null where none is to be
 * gone. Of what is no number, or was none before, there is nothing in between.
 */
export function transitionTo(
  entries: Wishes,
  facts: Facts,
  ms: number,
  at: number,
): Transition | null {
  if (ms === 0) return null;
  const moves = Object.entries(entries).flatMap(([twin, values]) =>
    Object.entries(values).flatMap(([key, to]): Move[] => {
      const wish = wishOf(facts, twin, key);
      const from = wish ?? reportOf(facts, twin, key);
      if (typeof to !== 'number' || typeof from !== 'number' || from === to) return [];
      return [{ twin, key, from, to, seen: wish, told: wish, waits: false }];
    }),
  );
  if (moves.length === 0) return null;
  const steps = Math.min(MAX_STEPS, Math.max(1, Math.floor(ms / SHORTEST_STEP_MS)));
  return { startedAt: at, ms, steps, taken: 0, moves };
}

export function isMoving(transition: Transition | null, twin: string, key: string): boolean {
  return moveOf(transition, twin, key) !== undefined;
}

export function moveOf(transition: Transition | null, twin: string, key: string): Move | undefined {
  return transition?.moves.find((move) => move.twin === twin && move.key === key);
}

/** When the next step is due, epoch ms. */
export function nextStepAt({ startedAt, ms, steps, taken }: Transition): number {
  return Math.round(startedAt + ((taken + 1) * ms) / steps);
}

/** The step that is due at `at`, or a later one after an outage: what is to be told, and the rest of the way. */
export function stepped(
  transition: Transition,
  facts: Facts,
  at: number,
): { told: Wishes; rest: Transition | null } {
  const { startedAt, ms, steps } = transition;
  const due = Math.floor(((at - startedAt) * steps) / ms);
  const taken = Math.min(steps, Math.max(transition.taken + 1, due));
  const told: Wishes = {};
  const moves: Move[] = [];
  for (const move of transition.moves) {
    const wish = Object.hasOwn(facts, move.twin) ? wishOf(facts, move.twin, move.key) : undefined;
    if (wish === undefined || isTakenOver(move, wish, steps)) continue;
    const waits = move.waits || isRefused(move, wish);
    const isLast = taken === steps;
    const value = isLast ? move.to : between(move, taken / steps);
    const isTold = isLast || (!waits && value !== wish);
    if (isTold) told[move.twin] = { ...told[move.twin], [move.key]: value };
    moves.push({ ...move, seen: wish, told: isTold ? value : wish, waits });
  }
  const isOver = taken === steps || moves.length === 0;
  return { told, rest: isOver ? null : { ...transition, taken, moves } };
}

function between({ from, to }: Move, part: number): number {
  return Math.round((from + (to - from) * part) * 100) / 100;
}

/** It still wants what it wanted before it was told something else. */
function isRefused({ seen, told }: Move, wish: Json): boolean {
  return wish === seen && told !== seen;
}

/** Somebody else has said meanwhile what the twin is to want, so the scene lets go of it. */
function isTakenOver(move: Move, wish: Json, steps: number): boolean {
  const { from, to, seen, told } = move;
  if (wish === told || isRefused(move, wish)) return false;
  if (typeof wish !== 'number' || typeof told !== 'number') return wish !== seen;
  return Math.abs(wish - told) > Math.max(ROUNDING, Math.abs(to - from) / steps);
}
