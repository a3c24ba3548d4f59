import type { Doorkeeper } from '../../adapters/mqtt/index.ts';
import type { Identity } from '../../identity/index.ts';

/** Lets the embedded broker ask who comes in. */
export function doorkeeperOf({ speakers, audit }: Identity, newId: () => string): Doorkeeper {
  return {
    admit: (username, password) => speakers.admit(username, password),
    subscribe: (listener) => speakers.subscribe(listener),
    refused: ({ principal, devices }, { verb, topic }) =>
      audit.record({
        home: devices === 'all' ? null : (devices[0]?.home ?? null),
        who: principal,
        address: null,
        action: 'twin.report',
        target: `${verb} ${topic}`,
        outcome: 'refused',
        detail: null,
        correlation: newId(),
      }),
  };
}
