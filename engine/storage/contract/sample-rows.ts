import type {
  AlertRow,
  CandidateRow,
  CheckpointRow,
  DeadLetterRow,
  DeliveryRow,
  HomeRow,
  IntentWrite,
  JournalRow,
  RollupRow,
  TwinRow,
} from '../../model/rows.ts';
import type { Bucket, TwinState } from '../../model/twin-state.ts';

/** Monday, 5 January 2026, 00:00 UTC. */
export const NOW = Date.UTC(2026, 0, 5);

export function stateOf(parts: Partial<TwinState> = {}): TwinState {
  return {
    value: { link: 'online', mode: { heating: 'boost' } },
    historyValue: { 'trv.mode': ['trv.mode.eco'] },
    context: {
      reported: { temperature: 20.5, window: false, fault: null },
      desired: {},
      settings: {},
    },
    timers: [
      {
        id: 'link.offline',
        due: NOW + 600_000,
        event: { type: 'link.offline' },
        lateness: { policy: 'fire' },
      },
    ],
    pending: [],
    seen: [{ at: 1.5, ids: 'a1b2c3d4e5f67890' }],
    lastAt: { telemetry: NOW },
    alerts: {},
    buckets: {
      temperature: {
        start: NOW,
        count: 3,
        sum: 61.300000000000004,
        min: 20,
        max: 21,
        last: 20.3,
        lastAt: NOW,
      },
    },
    ...parts,
  };
}

export function twinOf(parts: Partial<TwinRow> = {}): TwinRow {
  return {
    home: 'h',
    twin: 't',
    kind: 'thermostat',
    incarnation: 'i1',
    version: 2,
    name: 'Thermostat',
    room: null,
    via: null,
    revision: 1,
    state: stateOf(),
    wakeAt: null,
    createdAt: NOW,
    updatedAt: NOW,
    lastEventAt: null,
    ...parts,
  };
}

export function journalOf(parts: Partial<JournalRow> = {}): JournalRow {
  return {
    home: 'h',
    twin: 't',
    revision: 1,
    at: NOW,
    receivedAt: NOW,
    event: { type: 'telemetry', temperature: 20.5 },
    eventId: 'e1',
    source: 'mqtt',
    cause: null,
    correlation: 'c1',
    principal: 'device',
    dedupe: true,
    late: false,
    state: null,
    reported: null,
    effects: [],
    desired: null,
    epoch: 8_388_609,
    ...parts,
  };
}

export function deliveryOf(parts: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    id: 'h/t@1#0',
    home: 'h',
    twin: 't',
    destination: 'mqtt',
    delivery: {
      kind: 'thermostat',
      via: 'native:t',
      type: 'command',
      name: 'setpoint',
      args: { celsius: 21 },
      expiresAt: NOW + 60_000,
    },
    createdAt: NOW,
    expiresAt: NOW + 60_000,
    attempts: 0,
    notBefore: NOW,
    ...parts,
  };
}

export function intentOf(parts: Partial<IntentWrite> = {}): IntentWrite {
  return {
    id: 'h/t@1#0',
    home: 'h',
    twin: 't',
    name: 'setpoint',
    args: { celsius: 21 },
    status: 'confirmed',
    createdAt: NOW,
    expiresAt: NOW + 60_000,
    ackedAt: null,
    confirmedAt: NOW + 9,
    endedAt: NOW + 9,
    error: null,
    cause: 'e1',
    correlation: 'c1',
    principal: 'device',
    ...parts,
  };
}

export function alertOf(parts: Partial<AlertRow> = {}): AlertRow {
  return {
    id: 'h/t@1#1',
    home: 'h',
    twin: 't',
    key: 'fault',
    severity: 'warning',
    status: 'raised',
    message: 'The valve is stuck',
    data: { position: 40 },
    raisedAt: NOW,
    acknowledgedAt: null,
    acknowledgedBy: null,
    clearedAt: null,
    cause: 'e1',
    correlation: 'c1',
    ...parts,
  };
}

export function rollupOf(parts: Partial<RollupRow> = {}): RollupRow {
  return {
    home: 'h',
    twin: 't',
    measurement: 'temperature',
    resolution: '5m',
    start: NOW,
    count: 2,
    sum: 41.5,
    min: 20.5,
    max: 21,
    last: 21,
    lastAt: NOW + 60_000,
    ...parts,
  };
}

export function checkpointOf(parts: Partial<CheckpointRow> = {}): CheckpointRow {
  return {
    home: 'h',
    twin: 't',
    revision: 1,
    kind: 'thermostat',
    version: 2,
    state: stateOf(),
    at: NOW,
    ...parts,
  };
}

export function deadLetterOf(parts: Partial<DeadLetterRow> = {}): DeadLetterRow {
  return {
    id: 'd1',
    home: 'h',
    twin: 't',
    source: 'mqtt',
    code: 'bad-input',
    error: 'temperature is not a number',
    hint: null,
    at: NOW,
    attempts: 1,
    content: {
      type: 'packet',
      topic: 'homeostat/h/thermostat/t/telemetry',
      payload: 'e30=',
      truncated: false,
    },
    ...parts,
  };
}

export function candidateOf(parts: Partial<CandidateRow> = {}): CandidateRow {
  return {
    home: 'h',
    twin: 'new',
    kind: 'thermostat',
    via: null,
    firstSeenAt: NOW,
    lastSeenAt: NOW,
    messages: 1,
    lastEvent: { type: 'telemetry', temperature: 19 },
    ...parts,
  };
}

export function homeOf(parts: Partial<HomeRow> = {}): HomeRow {
  return {
    id: 'h',
    incarnation: 'i1',
    name: 'Home',
    timezone: 'Europe/Berlin',
    createdAt: NOW,
    ...parts,
  };
}

/** What a reader is given of {@link rollupOf}. */
export function bucketOf(parts: Partial<Bucket> = {}): Bucket {
  const { home: _h, twin: _t, measurement: _m, resolution: _r, ...bucket } = rollupOf(parts);
  return bucket;
}
