import type { Engine } from '../../../engine/index.ts';
import type { Access, Admission } from '../../contract/access.ts';
import type { BrokerAddress } from '../../contract/feature.ts';
import type { DayLogs } from '../gateways/day-logs.ts';
import type { PullQueue } from '../gateways/pull-queue.ts';

/** What the routes of devices work with. */
export interface DevicesContext {
  engine: Engine;
  access: Access;
  /** What homes do with devices that they do not know, unless they say otherwise. */
  admission: Admission;
  broker: BrokerAddress;
  /** Where gateways without MQTT fetch what is for their devices. */
  pullQueue: PullQueue;
  logs: DayLogs;
  newId(): string;
}
