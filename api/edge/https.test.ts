import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { ApiBench, EDGE, TOKEN } from '../http/testing/api-bench.ts';
import { type Certificate, openCertificate } from './certificate.ts';
import { selfSigned } from './testing/self-signed.ts';

const HOST = '127.0.0.1';

let folder: string;
let clock: ManualClock;
let certificate: Certificate & Disposable;
let api: ApiBench;
let url: URL;
let writes = 0;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'homeostat-https-'));
  clock = new ManualClock();
  const files = renew();
  certificate = openCertificate(files, clock, (error) => {
    throw error;
  });
  api = await ApiBench.open({ server: { edge: { ...EDGE, certificate } } });
  await api.furnish();
  url = new URL(await api.listen());
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  certificate[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function renew() {
  const { cert, key } = selfSigned();
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  utimesSync(files.certFile, ++writes, writes);
  return files;
}

const port = () => Number(url.port);
const headers = { authorization: `Bearer ${TOKEN}` };

async function ask(path: string, given: object = headers): Promise<IncomingMessage> {
  const ca = certificate.current.cert;
  const asked = get({ host: HOST, port: port(), path, headers: { ...given }, ca });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

async function shake(options: object = {}): Promise<TLSSocket> {
  const ca = certificate.current.cert;
  const socket = connectTls({ host: HOST, port: port(), ca, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe('a server with a certificate', () => {
  it('says https, and serves requests, streams and WebSockets over it', async () => {
    expect(url.protocol).toBe('https:');
    const answer = await ask('/v1/homes');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d+$/);
    expect(await text(answer)).toContain('"h1"');
    const stream = await ask('/v1/homes/h1/stream');
    const [first] = (await once(stream, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^retry: /);
    stream.destroy();
    const socket = new WebSocket(`wss://${url.host}/v1/live`, {
      headers,
      ca: certificate.current.cert,
    });
    const [greeting] = (await once(socket, 'message')) as [Buffer];
    expect(String(greeting)).toContain('hello');
    socket.terminate();
  });

  it('gives browsers the pass for the documentation over TLS only', async () => {
    const answer = await ask(`/docs?access_token=${TOKEN}`, {});
    expect(answer.statusCode).toBe(303);
    expect(String(answer.headers['set-cookie'])).toMatch(/; Secure$/);
  });

  it('shows a renewed certificate to who connects next, and keeps who is connected', async () => {
    const before = await shake();
    const former = before.getPeerX509Certificate()?.fingerprint256;
    renew();
    clock.advance(60_000);
    const after = await shake();
    expect(after.getPeerX509Certificate()?.fingerprint256).not.toBe(former);
    before.write(`GET /healthz HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const [answer] = (await once(before, 'data')) as [Buffer];
    expect(String(answer)).toContain('200 OK');
    before.destroy();
    after.destroy();
  });

  it('takes TLS 1.2 and nothing older', async () => {
    const modern = await shake({ maxVersion: 'TLSv1.2' });
    expect(modern.getProtocol()).toBe('TLSv1.2');
    modern.destroy();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(shake(old)).rejects.toThrow(/protocol|alert/i);
  });

  it('drops who speaks plain HTTP to it', async () => {
    const socket = connect(port(), HOST);
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('GET /healthz HTTP/1.1\r\n\r\n');
    await closed;
    expect((await ask('/healthz')).statusCode).toBe(200);
  });

  it('stops although some have connected in advance, and ends streams in good order', async () => {
    const silent = connect(port(), HOST);
    await once(silent, 'connect');
    const shaken = await shake();
    const stream = await ask('/v1/homes/h1/stream');
    stream.resume();
    const gone = [silent, shaken].map((socket) => {
      socket.on('error', () => undefined);
      return once(socket, 'close');
    });
    const ended = once(stream, 'end');
    await api[Symbol.asyncDispose]();
    await Promise.all([...gone, ended]);
    expect(stream.complete).toBe(true);
  });
});
