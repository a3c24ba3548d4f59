import type { IdentityDatabase } from '../store/open.ts';
import type { GatewayRow } from '../store/tables.ts';

/** A gateway as it is in the store, with its devices. */
export interface GatewayState {
  id: string;
  home: string;
  name: string;
  /** The hash of its secret. */
  hash: string;
  fetches: boolean;
  createdAt: number;
  usedAt: number | null;
  /** The twins for which it speaks, by id. */
  twins: readonly string[];
}

export async function gatewaysOf(reading: IdentityDatabase, home: string): Promise<GatewayState[]> {
  const rows = await reading
    .selectFrom('gateway')
    .selectAll()
    .where('home', '=', home)
    .orderBy('id')
    .execute();
  const devices = await reading
    .selectFrom('gatewayDevice')
    .selectAll()
    .where('home', '=', home)
    .orderBy('twin')
    .execute();
  return toStates(rows, devices);
}

export function toStates(
  rows: readonly GatewayRow[],
  devices: readonly { twin: string; gateway: string }[],
): GatewayState[] {
  const twinsOf = grouped(devices, ({ gateway }) => gateway);
  return rows.map(({ id, home, name, hash, fetches, createdAt, usedAt }) => ({
    ...{ id, home, name, hash, fetches: fetches === 1, createdAt, usedAt },
    twins: (twinsOf.get(id) ?? []).map(({ twin }) => twin),
  }));
}

export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
