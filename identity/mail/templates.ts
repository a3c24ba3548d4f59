/** What is written to people, in the languages that it is written in. */
export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each letter's name and what it needs to know. */
export interface LetterValues {
  'verify-email': { code: string; minutes: number };
  'already-registered': Record<string, never>;
  'reset-password': { code: string; minutes: number };
  'password-changed': Record<string, never>;
  invitation: { code: string; home: string; by: string; days: number };
  'sessions-ended': Record<string, never>;
  'provider-linked': { provider: string };
}
export type LetterName = keyof LetterValues;

/** Puts a letter on its way. */
export type Write = <N extends LetterName>(
  to: { email: string; language: string },
  name: N,
  values: LetterValues[N],
) => void;

export interface Letter {
  subject: string;
  text: string;
}

type Letters = { [N in LetterName]: (values: LetterValues[N]) => Letter };

const EN: Letters = {
  'verify-email': ({ code, minutes }) => ({
    subject: `${code} is your Homeostat code`,
    text: `Your code is ${code}. It is good for ${minutes} minutes.\n\nIf you have not registered, do nothing: without the code nothing happens.`,
  }),
  'already-registered': () => ({
    subject: 'You have a Homeostat account already',
    text: 'Somebody has registered with this address, perhaps you. You have an account already: sign in, or ask for a new password.\n\nIf it was not you, do nothing.',
  }),
  'reset-password': ({ code, minutes }) => ({
    subject: 'Your new Homeostat password',
    text: `With the code ${code} you can set a new password. It is good for ${minutes} minutes.\n\nIf you have not asked for it, do nothing: your password stays as it is.`,
  }),
  'password-changed': () => ({
    subject: 'Your Homeostat password was changed',
    text: 'Your password was changed, and all other apps were signed out.\n\nIf it was not you, ask for a new password now.',
  }),
  invitation: ({ code, home, by, days }) => ({
    subject: 'An invitation to a home',
    text: `${plainName(by)} invites you to the home "${plainName(home)}". Enter this code in the app: ${code}\n\nIt is good for ${days} days, once.`,
  }),
  'sessions-ended': () => ({
    subject: 'A Homeostat app of yours was signed out',
    text: 'A key of one of your apps was used twice, as it happens when somebody has copied it. That app was signed out.\n\nSign in again there. If this comes again, change your password.',
  }),
  'provider-linked': ({ provider }) => ({
    subject: `You can sign in to Homeostat with ${provider} now`,
    text: `${provider} is another way to sign in to your account now.\n\nIf it was not you, change your password and remove ${provider} in the app.`,
  }),
};

const DE: Letters = {
  'verify-email': ({ code, minutes }) => ({
    subject: `${code} ist dein Code für Homeostat`,
    text: `Dein Code ist ${code}. Er gilt ${minutes} Minuten.\n\nWenn du dich nicht angemeldet hast, musst du nichts tun: Ohne den Code geschieht nichts.`,
  }),
  'already-registered': () => ({
    subject: 'Du hast schon ein Konto bei Homeostat',
    text: 'Jemand hat sich mit dieser Adresse angemeldet, vielleicht du selbst. Du hast schon ein Konto: Melde dich damit an, oder fordere ein neues Passwort an.\n\nWenn du es nicht warst, musst du nichts tun.',
  }),
  'reset-password': ({ code, minutes }) => ({
    subject: 'Dein neues Passwort für Homeostat',
    text: `Mit dem Code ${code} kannst du ein neues Passwort setzen. Er gilt ${minutes} Minuten.\n\nWenn du das nicht angefordert hast, musst du nichts tun: Dein Passwort bleibt, wie es ist.`,
  }),
  'password-changed': () => ({
    subject: 'Dein Passwort für Homeostat wurde geändert',
    text: 'Dein Passwort wurde geändert, alle anderen Apps wurden abgemeldet.\n\nWenn du es nicht warst, fordere jetzt ein neues Passwort an.',
  }),
  invitation: ({ code, home, by, days }) => ({
    subject: 'Eine Einladung in ein Zuhause',
    text: `${plainName(by)} lädt dich zu „${plainName(home)}“ ein. Gib diesen Code in der App ein: ${code}\n\nEr gilt ${days} Tage, einmal.`,
  }),
  'sessions-ended': () => ({
    subject: 'Eine deiner Homeostat-Apps wurde abgemeldet',
    text: 'Ein Schlüssel einer deiner Apps wurde zweimal benutzt, wie es geschieht, wenn ihn jemand kopiert hat. Diese App wurde abgemeldet.\n\nMelde dich dort neu an. Wenn das wieder vorkommt, ändere dein Passwort.',
  }),
  'provider-linked': ({ provider }) => ({
    subject: `Bei Homeostat kannst du dich jetzt mit ${provider} anmelden`,
    text: `In dein Konto kommst du jetzt auch mit ${provider}.\n\nWenn du das nicht warst, ändere dein Passwort und entferne ${provider} in der App.`,
  }),
};

const LONGEST_NAME = 40;

/** A name that somebody chose, in a letter to somebody else: words, and nothing that a mail program makes a link of. */
export function plainName(name: string): string {
  const words = name.normalize('NFKC').replaceAll(/[^\p{L}\p{M}\p{N}'’ &(),+-]+/gu, ' ');
  const plain = [...words.replaceAll(/\s+/g, ' ').trim()].slice(0, LONGEST_NAME).join('');
  return plain === '' ? '…' : plain;
}

export function letterOf<N extends LetterName>(
  name: N,
  language: string,
  values: LetterValues[N],
): Letter {
  const letters = language === 'de' ? DE : EN;
  return letters[name](values);
}
