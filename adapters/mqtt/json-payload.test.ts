import { describe, expect, it } from 'vitest';
import { readObject } from './json-payload.ts';

const read = (text: string | Buffer) => readObject(Buffer.from(text));

describe('reading a payload', () => {
  it('takes an object', () => {
    expect(read('{"temperature": 21.5, "ok": true, "tags": ["a"]}')).toEqual({
      ok: true,
      value: { temperature: 21.5, ok: true, tags: ['a'] },
    });
  });

  it.each([
    ['', 'empty', 'JSON object'],
    ['{"temperature": NaN}', 'not JSON', 'NaN'],
    ['{"temperature": 1,}', 'not JSON', 'comma'],
    ["{'temperature': 1}", 'not JSON', 'json.dumps'],
    ['{"temperature": 1', 'not JSON', 'cut off'],
    ['21.5', 'a number', '{"temperature": 21.5}'],
    ['[1, 2]', 'an array', '{"temperature": 21.5}'],
    ['null', 'null', '{"temperature": 21.5}'],
    ['{"temperature": 1e999}', 'too large', '1.7e308'],
    ['{"name": "a\\u0000b"}', 'NUL', 'UTF-8'],
    ['{"name": "\\ud800"}', 'half a character', 'UTF-8'],
    ['{"a\\u0000": 1}', 'NUL', 'UTF-8'],
    [`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`, 'nested deeper', 'flat'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'nested deeper', 'flat'],
    [Buffer.from([0xff, 0xfe, 0x00]), 'not UTF-8', 'codec'],
    [`{"text": "${'x'.repeat(300_000)}"}`, 'bytes', 'split'],
  ])('refuses %s with what to do instead', (payload, error, hint) => {
    const result = read(payload);
    expect(result).toMatchObject({
      ok: false,
      error: expect.stringContaining(error) as string,
      hint: expect.stringContaining(hint) as string,
    });
  });

  it('drops __proto__ at every depth', () => {
    const result = read('{"__proto__": {"admin": true}, "inner": {"__proto__": 1, "power": 2}}');
    expect(result.ok && JSON.stringify(result.value)).toBe('{"inner":{"power":2}}');
    expect('admin' in {}).toBe(false);
  });
});
