/** Headers that tell browsers to take answers for what they are, and to do nothing else with them. */
import helmet from '@fastify/helmet';
import type { App } from '../http/app.ts';

/** No answer is a page. Those of the documentation bring a policy of their own (`openapi.ts`). */
const POLICY = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** @param isSecure people reach the server by HTTPS, here or at a proxy: browsers shall insist on it */
export async function sendSafeHeaders(app: App, isSecure: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: POLICY },
    xFrameOptions: { action: 'deny' },
    // Hosts below this one may be somebody else's
    strictTransportSecurity: isSecure && { includeSubDomains: false },
  });
}
