/** How devices come into a home, and how gateways speak for them. */
import { defineFeature } from '../contract/feature.ts';
import { isCurrentDelivery } from './gateways/current-delivery.ts';
import { DayLogs } from './gateways/day-logs.ts';
import { DeviceDays, type DevicesTables } from './gateways/device-days.ts';
import { PullQueue } from './gateways/pull-queue.ts';
import { devicesActions } from './permissions.ts';
import { devicesRoutes } from './routes/index.ts';

export { devicesActions } from './permissions.ts';

/** A gateway that was away brings what it has kept. */
const KEPT_DAYS = 60;
const DAY_MS = 24 * 60 * 60_000;

export const devicesFeature = defineFeature({
  name: 'devices',
  actions: devicesActions,
  tags: {
    Provisioning: 'How devices come in: secrets, claims, factories, candidates.',
    Gateways: 'Central units that speak for devices.',
  },
  start({ engine, access, admission, broker, tables, newId }) {
    const { clock } = engine;
    const pullQueue = new PullQueue({
      // Beside MQTT: it carries what is for gateways that fetch
      destination: 'mqtt',
      ...{ gateways: access.gateways, clock },
      wake: (twins) => engine.wakeSink('mqtt', twins),
      isCurrent: (row) => isCurrentDelivery(engine, row),
    });
    const days = new DeviceDays({ tables: tables<DevicesTables>(), clock });
    const logs = new DayLogs({ engine, gateways: access.gateways, days });
    return {
      sinks: [pullQueue],
      routes: devicesRoutes({ engine, access, admission, broker, pullQueue, logs, newId }),
      tidy: () => days.tidy(clock.now() - KEPT_DAYS * DAY_MS),
      closing: () => pullQueue[Symbol.dispose](),
    };
  },
});
