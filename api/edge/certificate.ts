/** The certificate that the server shows: read from files, and read again when they have changed. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type Clock, messageOf } from '../../engine/index.ts';

/** A certificate and its key in PEM; the certificate may bring its chain. */
export interface KeyPair {
  cert: Buffer;
  key: Buffer;
}

/** What doors with TLS show to those who connect. */
export interface Certificate {
  readonly current: KeyPair;
  /** @param listener called with the new pair when the files have been renewed */
  subscribe(listener: (renewed: KeyPair) => void): Disposable;
}

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** What is wrong with the files: all of it at once, each by its variable. */
export class CertificateError extends Error {
  readonly flaws: readonly string[];

  constructor(flaws: readonly string[]) {
    super(flaws.join('; '));
    this.name = 'CertificateError';
    this.flaws = flaws;
  }
}

/** Who renews the files tells nobody. */
const LOOK_MS = 60_000;

/** @throws CertificateError for files that cannot be read, or do not belong together */
export function readPair({ certFile, keyFile }: CertificateFiles): KeyPair {
  const flaws: string[] = [];
  const attempt = <T>(flaw: string, work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      flaws.push(`${flaw} (${messageOf(error)})`);
      return null;
    }
  };
  const cert = attempt('TLS_CERT_FILE: cannot be read', () => readFileSync(certFile));
  const key = attempt('TLS_KEY_FILE: cannot be read', () => readFileSync(keyFile));
  const certificate =
    cert && attempt('TLS_CERT_FILE: holds no certificate in PEM', () => new X509Certificate(cert));
  const privateKey =
    key &&
    attempt('TLS_KEY_FILE: holds no private key in PEM without a passphrase', () =>
      createPrivateKey(key),
    );
  if (certificate && privateKey && !certificate.checkPrivateKey(privateKey)) {
    flaws.push('TLS_KEY_FILE: is not the key of the certificate in TLS_CERT_FILE');
  }
  // OpenSSL has the last word: it reads the chain too, and refuses keys that are too short
  if (cert && key && flaws.length === 0) {
    attempt('TLS_CERT_FILE: cannot be used', () => createSecureContext({ cert, key }));
  }
  if (!cert || !key || flaws.length > 0) throw new CertificateError(flaws);
  return { cert, key };
}

/**
 * Reads the files, and looks once a minute whether they have changed, until disposed.
 * @param onBroken told of files that cannot be used; the former pair stays
 * @throws CertificateError when they cannot be used now
 */
export function openCertificate(
  files: CertificateFiles,
  clock: Clock,
  onBroken: (error: unknown) => void,
): Certificate & Disposable {
  const listeners = new Set<(renewed: KeyPair) => void>();
  // Before they are read: what is written meanwhile is seen at the next look
  let seen = stampOf(files);
  let current = readPair(files);
  let alarm = clock.delay(LOOK_MS, look);

  function look(): void {
    alarm = clock.delay(LOOK_MS, look);
    try {
      const stamp = stampOf(files);
      if (stamp === seen) return;
      seen = stamp;
      current = readPair(files);
      for (const listener of listeners) listener(current);
    } catch (error) {
      // Between the two files being written they do not fit; that the second follows changes the stamp
      onBroken(error);
    }
  }

  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => listeners.delete(listener) };
    },
    [Symbol.dispose]: () => alarm[Symbol.dispose](),
  };
}

/** When the files were written; links lead to what they point at. */
function stampOf({ certFile, keyFile }: CertificateFiles): string {
  const times = [certFile, keyFile].map(
    (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 'gone',
  );
  return times.join(' ');
}
