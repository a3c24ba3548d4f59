/** All routes of devices. */
import type { FeatureRoute } from '../../contract/route.ts';
import { claimRoutes } from './claims.ts';
import { deviceSecretRoutes } from './device-secret.ts';
import type { DevicesContext } from './devices-context.ts';
import { factoryTokenRoutes } from './factory-tokens.ts';
import { gatewayWorkRoutes } from './gateway-work.ts';
import { gatewayRoutes } from './gateways.ts';
import { provisioningRoutes } from './provisioning.ts';

export function devicesRoutes(context: DevicesContext): FeatureRoute[] {
  return [
    provisioningRoutes,
    deviceSecretRoutes,
    claimRoutes,
    factoryTokenRoutes,
    gatewayRoutes,
    gatewayWorkRoutes,
  ].flatMap((routesOf) => routesOf(context));
}
