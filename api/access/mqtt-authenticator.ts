import type { Authenticator } from '../../adapters/mqtt/index.ts';
import type { Identity } from '../../identity/index.ts';

/** Lets the embedded broker ask who comes in. */
export function authenticatorOf(
  { mqttAccounts, audit }: Identity,
  newId: () => string,
): Authenticator {
  return {
    admit: (username, password) => mqttAccounts.admit(username, password),
    subscribe: (listener) => mqttAccounts.subscribe(listener),
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
