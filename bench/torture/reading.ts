import type { Address } from '../../engine/index.ts';
import type { World } from './world.ts';

/** What the API says of a twin, as far as it is looked at here. */
export interface Reading {
  desired: { on?: boolean };
  reported: Record<string, unknown>;
  timers: { id: string; due: string }[];
}

export function read(world: World, { home, twin }: Address): Promise<Reading> {
  return world.engine.get<Reading>(`/v1/homes/${home}/twins/${twin}`);
}
