import type { Scenario } from './scenario.ts';
import { absences } from './scenarios/absences.ts';
import { brokers } from './scenarios/brokers.ts';
import { clocks } from './scenarios/clocks.ts';
import { crowds } from './scenarios/crowds.ts';
import { disks } from './scenarios/disks.ts';
import { floods } from './scenarios/floods.ts';
import { kills } from './scenarios/kills.ts';
import { migrations } from './scenarios/migrations.ts';
import { order } from './scenarios/order.ts';
import { owners } from './scenarios/owners.ts';
import { pairsOfFaults } from './scenarios/pairs.ts';
import { projections } from './scenarios/projections.ts';
import { readers } from './scenarios/readers.ts';
import { rules } from './scenarios/rules.ts';
import { stores } from './scenarios/stores.ts';
import { streams } from './scenarios/streams.ts';
import { subscribers } from './scenarios/subscribers.ts';
import { wires } from './scenarios/wires.ts';

/** All ways to break it. */
export const SCENARIOS: readonly Scenario[] = [
  ...kills,
  ...stores,
  ...brokers,
  ...wires,
  ...disks,
  ...owners,
  ...projections,
  ...clocks,
  ...rules,
  ...order,
  ...floods,
  ...subscribers,
  ...crowds,
  ...absences,
  ...pairsOfFaults,
  ...readers,
  ...streams,
  ...migrations,
];
