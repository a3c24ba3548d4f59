import { expect, it } from 'vitest';
import { inGerman } from './german.ts';

it.each([
  [
    'reported.on became true, which is not what it waits for',
    'reported.on wurde true, worauf sie nicht wartet',
  ],
  ['reported.x is 3, the limit is 5', 'reported.x ist 3, die Grenze ist 5'],
  [
    'reported.x is 6, the limit is 5: it was beyond it before',
    'reported.x ist 6, die Grenze ist 5: jenseits davon war es schon vorher',
  ],
  [
    'twins.a.reported.b is unknown: twins.a.reported.b is not there',
    'twins.a.reported.b ist nicht bekannt: twins.a.reported.b gibt es nicht',
  ],
  ['it came 5h late', 'es kam 5h zu spät'],
  ['it was set off too often', 'sie wurde zu oft ausgelöst'],
  ['5m', '5m'],
  ['10s, to try again what ended as expired', '10s, um zu wiederholen, was so endete: expired'],
  ['command "switch" ended as failed: broken', 'Befehl „switch“ endete so: failed (broken)'],
  ['h1/guard holds on of "lamp"', 'h1/guard hält on von „lamp“'],
  ['from 22:00 until 06:00 on fri, sat', 'ab 22:00 bis 06:00 am Fr, Sa'],
  ['until 06:00', 'bis 06:00'],
  ['the mode is away or night', 'der Modus ist away or night'],
  ['what an author has written', 'what an author has written'],
])('%s', (english, german) => {
  expect(inGerman(english)).toBe(german);
});
