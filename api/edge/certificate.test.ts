import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import {
  type Certificate,
  type CertificateFiles,
  type KeyPair,
  openCertificate,
} from './certificate.ts';
import { selfSigned } from './testing/self-signed.ts';

const MINUTE_MS = 60_000;

let folder: string;
let files: CertificateFiles;
let clock: ManualClock;
let broken: unknown[];
let writes: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'homeostat-certificate-'));
  files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  clock = new ManualClock();
  broken = [];
  writes = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Each write at a time of its own, however quick the test is. */
function write(file: string, text: string): void {
  writeFileSync(file, text);
  utimesSync(file, ++writes, writes);
}
function writePair({ cert, key }: { cert: string; key: string }): void {
  write(files.certFile, cert);
  write(files.keyFile, key);
}
const open = () => openCertificate(files, clock, (error) => broken.push(error));
const shown = ({ current }: Certificate) => String(current.cert);

describe('the certificate', () => {
  it('is read anew when its files have changed, within a minute and without a restart', () => {
    const [first, second] = [selfSigned(), selfSigned()];
    writePair(first);
    using certificate = open();
    const renewed: KeyPair[] = [];
    const listening = certificate.subscribe((pair) => renewed.push(pair));
    expect(shown(certificate)).toBe(first.cert);
    writePair(second);
    expect(shown(certificate)).toBe(first.cert);
    clock.advance(MINUTE_MS);
    expect(shown(certificate)).toBe(second.cert);
    expect(renewed).toEqual([certificate.current]);
    clock.advance(10 * MINUTE_MS);
    expect(renewed).toHaveLength(1);
    listening[Symbol.dispose]();
    writePair(first);
    clock.advance(MINUTE_MS);
    expect(renewed).toHaveLength(1);
    expect(broken).toEqual([]);
  });

  it('stays what it was while the files do not fit, which is told once, and goes on when they do', () => {
    const [first, second] = [selfSigned(), selfSigned()];
    writePair(first);
    using certificate = open();
    write(files.certFile, second.cert);
    clock.advance(3 * MINUTE_MS);
    expect(shown(certificate)).toBe(first.cert);
    expect(broken).toHaveLength(1);
    expect(String(broken[0])).toContain('is not the key of the certificate');
    write(files.keyFile, second.key);
    clock.advance(MINUTE_MS);
    expect(shown(certificate)).toBe(second.cert);
    rmSync(files.keyFile);
    clock.advance(3 * MINUTE_MS);
    expect(shown(certificate)).toBe(second.cert);
    expect(broken).toHaveLength(2);
  });

  it('is looked at no more once disposed', () => {
    writePair(selfSigned());
    const certificate = open();
    certificate[Symbol.dispose]();
    rmSync(files.keyFile);
    clock.advance(MINUTE_MS);
    expect(broken).toEqual([]);
  });

  it.each([
    ['are not there', () => undefined, ['TLS_CERT_FILE: cannot be read', 'TLS_KEY_FILE: cannot']],
    [
      'hold something else',
      () => writePair({ cert: 'no PEM', key: 'none either' }),
      ['TLS_CERT_FILE: holds no certificate', 'TLS_KEY_FILE: holds no private key'],
    ],
    [
      'are of two pairs',
      () => writePair({ ...selfSigned(), key: selfSigned().key }),
      ['TLS_KEY_FILE: is not the key of the certificate'],
    ],
    [
      'are mixed up',
      () => {
        const { cert, key } = selfSigned();
        writePair({ cert: key, key: cert });
      },
      ['TLS_CERT_FILE: holds no certificate', 'TLS_KEY_FILE: holds no private key'],
    ],
  ])(
    'is refused at the start when its files %s, and says all that is wrong',
    (_what, prepare, flaws) => {
      prepare();
      for (const flaw of flaws) expect(open).toThrow(flaw);
    },
  );
});
