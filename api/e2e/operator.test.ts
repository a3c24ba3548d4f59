import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../engine/testing/free-port.ts';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { selfSigned } from '../edge/testing/self-signed.ts';
import { run } from './command-line.ts';
import { Device } from './device.ts';
import { HomeostatProcess, TOKEN } from './homeostat-process.ts';

interface Twin {
  id: string;
  kind: string;
  revision: number;
  reported: Record<string, unknown>;
}

describe('a newcomer who only starts it', () => {
  test('sees the demo home’s thermostats change over REST and in the stream', async () => {
    await using homeostat = await HomeostatProcess.start({ DEMO: '' });
    const list = await homeostat.get<{ items: Twin[] }>('/v1/homes/demo/twins');
    expect(list.items.map(({ id, kind }) => [id, kind])).toContainEqual([
      'living-thermostat',
      'thermostat',
    ]);
    const path = '/v1/homes/demo/twins/living-thermostat';
    const first = await homeostat.until<Twin>(path, ({ reported }) => reported.temperature != null);
    const abort = new AbortController();
    const stream = await fetch(`${homeostat.url}/v1/homes/demo/stream`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: abort.signal,
    });
    let heard = '';
    for await (const chunk of stream.body ?? []) {
      heard += Buffer.from(chunk as Uint8Array).toString();
      if (heard.includes('"living-thermostat"')) break;
    }
    abort.abort();
    expect(heard).toContain('event: twin');
    await homeostat.until<Twin>(path, ({ revision }) => revision > first.revision);
    // The room heard of it too
    const room = await homeostat.until<Twin>(
      '/v1/homes/demo/twins/living',
      ({ reported }) => reported.temperature != null,
    );
    expect(room.kind).toBe('room');
  });

  test('gets a token made, kept and shown once', async () => {
    await using homeostat = await HomeostatProcess.start({ ADMIN_TOKEN: '' });
    expect(homeostat.output).toContain('shown this once');
    const token = /^ {4}([\w-]{32})$/m.exec(homeostat.output)?.[1];
    const answer = await fetch(`${homeostat.url}/v1/homes`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    await homeostat.stop();
    const before = homeostat.output.length;
    await homeostat.start();
    expect(homeostat.output.slice(before)).not.toContain(token);
  });
});

describe('an operator', () => {
  test('is told everything that is wrong with the configuration at once', async () => {
    const { code, output } = await run(['start'], {
      DATABASE_URL: 'mysql://x',
      HTTP_PORT: '99999',
      PROVISIONING: 'maybe',
      MQTT_CA_FILE: '/nowhere/ca.pem',
      NODE_ENV: 'production',
    });
    expect(code).toBe(1);
    for (const name of [
      'DATABASE_URL',
      'HTTP_PORT',
      'PROVISIONING',
      'ADMIN_TOKEN',
      'MQTT_CA_FILE',
    ]) {
      expect(output).toContain(name);
    }
  });

  test('gives it a certificate, and it says and serves https', async () => {
    await using homeostat = await HomeostatProcess.prepare();
    const { cert, key } = selfSigned();
    const [TLS_CERT_FILE, TLS_KEY_FILE] = [`${homeostat.folder}/cert`, `${homeostat.folder}/key`];
    await writeFile(TLS_CERT_FILE, cert);
    await writeFile(TLS_KEY_FILE, key);
    Object.assign(homeostat.environment, { TLS_CERT_FILE, TLS_KEY_FILE });
    await homeostat.start();
    expect(homeostat.output).toContain(`https://127.0.0.1:${homeostat.httpPort}/v1`);
    const asked = get({ host: '127.0.0.1', port: homeostat.httpPort, path: '/readyz', ca: cert });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(answer.resume().statusCode).toBe(200);
    const broker = `mqtts://127.0.0.1:${homeostat.mqttPort}`;
    expect(homeostat.output).toContain(broker);
    const device = await connectAsync(broker, { ca: cert });
    await device.publishAsync('homeostat/h1/relay/r/telemetry', '{"power": 1}', { qos: 1 });
    await device.endAsync();
    await expect(connectAsync(broker, { reconnectPeriod: 0 }, false)).rejects.toThrow(
      'certificate',
    );
  });

  test('stops it with SIGTERM: what was accepted is there after the next start', async () => {
    await using homeostat = await HomeostatProcess.start();
    const device = await Device.connect(homeostat.mqttUrl);
    for (let n = 1; n <= 20; n++) {
      await device.publish('homeostat/h1/relay/r/telemetry', { power: n });
    }
    await device[Symbol.asyncDispose]();
    expect(await homeostat.stop()).toBe(0);
    await homeostat.start();
    expect(await homeostat.get('/v1/homes/h1/twins/r')).toMatchObject({
      revision: 20,
      reported: { power: 20 },
    });
    const replayed = await run(['replay'], { DATA_DIR: homeostat.folder });
    expect(replayed).toMatchObject({ code: 0 });
    expect(replayed.output).toContain('every state equals its journal');
  });

  test('replays nothing as proof of nothing, and makes no database for it', async () => {
    await using homeostat = await HomeostatProcess.prepare();
    const missing = join(homeostat.folder, 'no-such-backup.db');
    const ofMissing = await run(['replay'], { DATABASE_URL: `sqlite:${missing}` });
    expect(ofMissing).toMatchObject({ code: 1 });
    expect(ofMissing.output).toContain(`there is no database ${missing}`);
    expect(existsSync(missing)).toBe(false);
    const empty = { DATABASE_URL: `sqlite:${join(homeostat.folder, 'empty.db')}` };
    expect(await run(['migrate'], empty)).toMatchObject({ code: 0 });
    const ofEmpty = await run(['replay'], empty);
    expect(ofEmpty).toMatchObject({ code: 1 });
    expect(ofEmpty.output).toContain('there are no twins in sqlite:');
  });

  test('stops it by a signal to the shell that npm starts', async () => {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')) as {
      scripts: { start: string };
    };
    await using homeostat = await HomeostatProcess.prepare();
    const shell = spawn('sh', ['-c', scripts.start], {
      cwd: fileURLToPath(PACKAGE_ROOT),
      env: homeostat.environment,
    });
    let output = '';
    const runs = new Promise<void>((resolve) => {
      shell.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Homeostat is running')) resolve();
      });
    });
    await runs;
    shell.kill('SIGTERM');
    // Its end is that of the server, which holds the same output
    await once(shell, 'close');
    expect(output).toContain('"msg":"stopped"');
    await expect(fetch(`${homeostat.url}/healthz`)).rejects.toThrow();
  });

  test.each(['SQLite', 'PostgreSQL'])(
    'who starts a second engine on the same %s is told who holds it; the first is unharmed',
    async (store) => {
      await using database = store === 'PostgreSQL' ? await createTestDatabase() : null;
      await using first = await HomeostatProcess.start(
        database ? { DATABASE_URL: database.url } : {},
      );
      const second = await HomeostatProcess.prepare({
        DATABASE_URL: database?.url ?? `sqlite:${first.folder}/homeostat.db`,
        TAKEOVER_WAIT_SECONDS: '0',
      });
      await using _second = second;
      await expect(second.start()).rejects.toThrow(/pid \d+/);
      await using device = await Device.connect(first.mqttUrl);
      await device.publish('homeostat/h1/relay/r/telemetry', { power: 1 });
      expect(await first.get('/v1/homes/h1/twins/r')).toMatchObject({ revision: 1 });
    },
  );

  test('whose explicit MQTT port is taken is told so, and nothing starts by halves', async () => {
    await using first = await HomeostatProcess.start();
    const { code, output } = await run(['start'], {
      DATA_DIR: `${first.folder}/second`,
      MQTT_PORT: String(first.mqttPort),
      HTTP_PORT: String(await freePort()),
      ADMIN_TOKEN: TOKEN,
    });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`${first.mqttPort}`));
  });
});

describe('bad input over MQTT', () => {
  test.each([
    ['malformed JSON', '{"temperature": 18.', 'thermostat'],
    ['a wrong type', '{"temperature": "warm"}', 'thermostat'],
    ['NaN', '{"temperature": NaN}', 'thermostat'],
    ['an array', '[1,2,3]', 'thermostat'],
    ['an unknown kind', '{"temperature": 18}', 'toaster'],
    ['1 MB of text', `{"temperature": 18, "note": "${'x'.repeat(1_000_000)}"}`, 'thermostat'],
    ['binary rubbish', Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString('latin1'), 'thermostat'],
  ])('%s becomes a dead letter, and the next message works', async (_what, payload, kind) => {
    await using homeostat = await HomeostatProcess.start();
    await using device = await Device.connect(homeostat.mqttUrl);
    await device.publish(`homeostat/h1/${kind}/bad/telemetry`, payload);
    await device.publish('homeostat/h1/thermostat/good/telemetry', { temperature: 18 });
    await homeostat.until<Twin>('/v1/homes/h1/twins/good', ({ revision }) => revision === 1);
    const letters = await homeostat.until<{ items: { hint: string; code: string }[] }>(
      '/v1/homes/h1/dead-letters',
      ({ items }) => items.length > 0,
    );
    expect(letters.items).toHaveLength(1);
    expect(letters.items[0]?.hint).toBeTruthy();
    await expect(homeostat.get('/v1/homes/h1/twins/bad')).rejects.toThrow(/404/);
  });
});

describe('a command that there is not', () => {
  test.each([
    ['heating', 'there is no command "heating"\nhomeostat --help lists them all'],
    ['new-kind', 'there is no command "new-kind"; did you mean "new kind"?'],
    ['migrat', 'there is no command "migrat"; did you mean "migrate"?'],
  ])('%s: it says so, and starts nothing', async (word, said) => {
    const { code, output } = await run([word]);
    expect([code, output]).toEqual([1, expect.stringContaining(said)]);
  });
});

describe('an administrator of one’s own', () => {
  test.each(['SQLite', 'PostgreSQL'])(
    'is made at the command line beside a server that runs, and signs in: %s',
    async (store) => {
      await using database = store === 'PostgreSQL' ? await createTestDatabase() : null;
      await using homeostat = await HomeostatProcess.start(
        database === null ? {} : { DATABASE_URL: database.url },
      );
      const options = ['--email', 'ada@example.org', '--name', 'Ada', '--admin'];
      const { code, output } = await run(['user', 'create', ...options], homeostat.environment);
      expect([code, output]).toEqual([0, expect.stringContaining('an administrator now')]);
      const password = /once: (\S+)/.exec(output)?.[1];
      const signedIn = await fetch(`${homeostat.url}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'ada@example.org', password }),
      });
      expect(signedIn.status).toBe(200);
      const { tokens } = (await signedIn.json()) as { tokens: { accessToken: string } };
      const metrics = await fetch(`${homeostat.url}/metrics`, {
        headers: { authorization: `Bearer ${tokens.accessToken}` },
      });
      expect(metrics.status).toBe(200);
      const again = await run(['user', 'create', ...options], homeostat.environment);
      expect([again.code, again.output]).toEqual([
        1,
        expect.stringContaining('has an account already'),
      ]);
    },
  );
});
