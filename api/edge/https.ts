/** HTTPS with a certificate that may be renewed while it serves. */
import type { Server } from 'node:tls';
import type { App } from '../http/app.ts';
import type { Certificate, KeyPair } from './certificate.ts';

const LEAST_VERSION = 'TLSv1.2';

export function secureOptions({ cert, key }: KeyPair) {
  return { cert, key, minVersion: LEAST_VERSION } as const;
}

/** Connections that are open keep the former certificate. */
export function followRenewals(app: App, certificate: Certificate): void {
  // An App is typed as plain HTTP, whatever it was made with
  const server = app.server as unknown as Server;
  const following = certificate.subscribe((renewed) => {
    server.setSecureContext(secureOptions(renewed));
  });
  app.addHook('onClose', async () => following[Symbol.dispose]());
}
