import { expect, it } from 'vitest';
import { LANGUAGES, letterOf, plainName } from './templates.ts';

it.each([
  ['The nest', 'The nest'],
  ['Zoë’s & Bob-Jim’s (old) home', 'Zoë’s & Bob-Jim’s (old) home'],
  ['Win now: https://evil.example/x?y=1', 'Win now https evil example x y 1'],
  ['www.evil.example', 'www evil example'],
  ['write to eve@evil.example', 'write to eve evil example'],
  ['ｅｖｉｌ．ｅｘａｍｐｌｅ evil。example', 'evil example evil example'],
  ['a\r\nBcc: eve@example.org', 'a Bcc eve example org'],
  ['\u202egnp.exe', 'gnp exe'],
  ['://', '…'],
  ['x'.repeat(200), 'x'.repeat(40)],
])('the name %j stands in a letter as %j', (name, plain) => {
  expect(plainName(name)).toBe(plain);
});

it.each(LANGUAGES)('the subject of an invitation is ours, in %s', (language) => {
  const names = { home: 'Claim your prize', by: 'http://evil.example' };
  const { subject, text } = letterOf('invitation', language, { ...names, code: 'C', days: 7 });
  expect(subject).not.toMatch(/prize|evil/);
  expect(text).not.toMatch(/:\/\/|\.example/);
});
