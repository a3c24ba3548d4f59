import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { reachableUrl } from './broker-url.ts';

const PUBLIC = 'https://homeostat.example.org/somewhere';

it.each([
  ['mqtt://127.0.0.1:1883', PUBLIC, 'mqtt://127.0.0.1:1883'],
  ['mqtts://broker.example.org:8883', PUBLIC, 'mqtts://broker.example.org:8883'],
  ['mqtt://0.0.0.0:1883', PUBLIC, 'mqtt://homeostat.example.org:1883'],
  ['mqtts://[::]:1884', PUBLIC, 'mqtts://homeostat.example.org:1884'],
  ['mqtt://0.0.0.0:1883', null, `mqtt://${hostname()}:1883`],
])('devices find the broker at %s', (url, publicUrl, told) => {
  expect(reachableUrl(url, publicUrl)).toBe(told);
});
