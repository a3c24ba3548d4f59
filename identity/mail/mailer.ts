import { createTransport } from 'nodemailer';
import { type LetterName, type LetterValues, letterOf } from './templates.ts';

export interface MailerOptions {
  /** `smtp://user:password@host:587` or `smtps://…`; null: nothing is sent. */
  url: string | null;
  from: string;
  /** A letter was not sent: the server is away, or there is none. */
  onUnsent: (letter: { to: string; subject: string; text: string }, error: unknown) => void;
}

export interface Mailer extends AsyncDisposable {
  /** Puts a letter on its way; who asked for it does not wait, and may ask again. */
  write<N extends LetterName>(
    to: { email: string; language: string },
    name: N,
    values: LetterValues[N],
  ): void;
}

const TIMEOUT_MS = 10_000;

/** E-mail over SMTP. */
export function createMailer({ url, from, onUnsent }: MailerOptions): Mailer {
  const transport =
    url === null
      ? null
      : createTransport(
          { url, pool: true, connectionTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
          { from },
        );
  const underway = new Set<Promise<void>>();

  async function send(letter: { to: string; subject: string; text: string }): Promise<void> {
    if (!transport) return onUnsent(letter, null);
    await transport.sendMail(letter).catch((error: unknown) => onUnsent(letter, error));
  }

  return {
    write({ email, language }, name, values) {
      const sending = send({ to: email, ...letterOf(name, language, values) });
      underway.add(sending);
      void sending.finally(() => underway.delete(sending));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(underway);
      transport?.close();
    },
  };
}
