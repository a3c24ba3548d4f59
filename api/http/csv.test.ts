import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { asksForCsv, csvOf } from './csv.ts';

test.each([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['text/csv', true],
  ['TEXT/CSV; charset=utf-8', true],
  ['text/csv, */*;q=0.1', true],
  ['application/json, text/csv;q=0.9', false],
  ['application/json;q=0.5, text/csv;q=0.9', true],
  ['text/csv;q=0', false],
  ['text/csv;q=much', false],
  ['nonsense', false],
])('who accepts %j gets CSV: %j', (accept, isCsv) => {
  expect(asksForCsv({ headers: accept === undefined ? {} : { accept } })).toBe(isCsv);
});

test('cells are quoted where they have to be, and no text becomes a formula', async () => {
  const app = fastify();
  app.get('/', (_request, reply) =>
    csvOf(
      reply,
      ['a', 'b'],
      [
        [1.5, null],
        [true, 'plain'],
        ['a,b', 'say "no"\r\nagain'],
        ['=1+1', '@x'],
        ['\n=1', '＝1'],
        [-2, '-2'],
      ],
    ),
  );
  const answer = await app.inject('/');
  expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect(answer.payload).toBe(
    'a,b\r\n1.5,\r\ntrue,plain\r\n"a,b","say ""no""\r\nagain"\r\n\'=1+1,\'@x\r\n"\'\n=1",\'＝1\r\n-2,\'-2\r\n',
  );
});
