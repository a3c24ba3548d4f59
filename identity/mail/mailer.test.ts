import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMailer } from './mailer.ts';

interface Received {
  from: string;
  to: string[];
  text: string;
}

let server: SMTPServer;
let received: Received[];
let url: string;
beforeEach(async () => {
  received = [];
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      void text(stream).then((message) => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: message,
        });
        done();
      });
    },
  });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  url = `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

const from = 'Homeostat <homeostat@example.org>';

test('a letter arrives, in the language of who it is for', async () => {
  const unsent: unknown[] = [];
  await using mailer = createMailer({ url, from, onUnsent: (letter) => unsent.push(letter) });
  const code = { code: '123456', minutes: 20 };
  mailer.write({ email: 'ada@example.org', language: 'en' }, 'verify-email', code);
  mailer.write({ email: 'emmy@example.org', language: 'de' }, 'verify-email', code);
  await mailer[Symbol.asyncDispose]();
  expect(unsent).toEqual([]);
  expect(received).toHaveLength(2);
  const [ada, emmy] = received.sort((one, other) => (one.to < other.to ? -1 : 1));
  expect(ada).toMatchObject({ from: 'homeostat@example.org', to: ['ada@example.org'] });
  expect(ada?.text).toContain('Subject: 123456 is your Homeostat code');
  expect(emmy?.text).toContain('Dein Code ist 123456');
});

test('a name that looks like several addresses is one, and reaches nobody else', async () => {
  const unsent: { to: string }[] = [];
  await using mailer = createMailer({ url, from, onUnsent: (letter) => unsent.push(letter) });
  const values = { code: 'C', home: 'Nest\r\nBcc: eve@example.org', by: 'Ada', days: 7 };
  mailer.write({ email: 'ada@example.org', language: 'en' }, 'invitation', values);
  await mailer[Symbol.asyncDispose]();
  expect(received.map(({ to }) => to)).toEqual([['ada@example.org']]);
  const [head] = received[0]?.text.split('\r\n\r\n') ?? [];
  expect(head).not.toMatch(/^Bcc:/m);
});

test('a letter that cannot be sent is told, and fails nobody', async () => {
  const unsent: { to: string; error: unknown }[] = [];
  await using mailer = createMailer({
    url: 'smtp://127.0.0.1:1',
    from,
    onUnsent: ({ to }, error) => unsent.push({ to, error }),
  });
  mailer.write({ email: 'ada@example.org', language: 'en' }, 'password-changed', {});
  await mailer[Symbol.asyncDispose]();
  expect(unsent).toEqual([{ to: 'ada@example.org', error: expect.any(Error) as Error }]);
});

test('without a server the letter itself is told', async () => {
  const unsent: { text: string }[] = [];
  await using mailer = createMailer({ url: null, from, onUnsent: (letter) => unsent.push(letter) });
  const values = { code: '123456', minutes: 20 };
  mailer.write({ email: 'ada@example.org', language: 'en' }, 'verify-email', values);
  await mailer[Symbol.asyncDispose]();
  expect(unsent[0]?.text).toContain('123456');
});
