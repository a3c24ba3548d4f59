import { expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { reservedHomes } from './reserved-homes.ts';

it('are the homes that the configuration names', async () => {
  const MQTT_MESSAGES = 'flat=weather/#, shop=weather/+/rain';
  const isReserved = await reservedHomes(
    readConfig({
      ZIGBEE2MQTT_HOME: 'house',
      MQTT_MESSAGES,
      DEMO: 'on',
      QUOTA_EXEMPT_HOMES: 'plant',
    }),
  );
  const named = ['house', 'flat', 'shop', 'demo', 'plant'];
  expect(named.filter(isReserved)).toEqual(named);
  expect(['home', 'nest'].map(isReserved)).toEqual([false, false]);
  const none = await reservedHomes(readConfig({ ZIGBEE2MQTT: 'off', DEMO: 'off' }));
  expect(['home', 'demo'].map(none)).toEqual([false, false]);
});
