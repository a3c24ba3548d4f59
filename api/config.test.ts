import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig, readKindsDir } from './config.ts';
import { selfSigned } from './edge/testing/self-signed.ts';
import { problemsOf } from './testing/config-problems.ts';

describe('what stands between the server and the world', () => {
  it('is by default plain HTTP, no other origins, no proxies, and limits for a household', () => {
    const { http, tls } = readConfig({});
    expect(tls).toBeNull();
    expect(http).toMatchObject({
      origins: [],
      trustedProxies: null,
      limits: { signIn: 30, requests: 1_200, hookRequests: 120, homeRequests: 6_000 },
    });
  });

  it('takes origins as browsers send them', () => {
    const CORS_ORIGINS = 'https://app.example.org, http://127.0.0.1:5173 capacitor://localhost';
    expect(readConfig({ CORS_ORIGINS }).http.origins).toEqual([
      'https://app.example.org',
      'http://127.0.0.1:5173',
      'capacitor://localhost',
    ]);
  });

  it.each([
    ['https://app.example.org/', 'no path'],
    ['https://app.example.org/app', 'no path'],
    ['https://App.example.org', 'as browsers send them'],
    ['https://app.example.org:443', 'as browsers send them'],
    ['app.example.org', 'as browsers send them'],
    ['https://*.example.org', 'as browsers send them'],
    ['null', 'as browsers send them'],
    ['*', 'any web page'],
    ['https://app.example.org *', 'any web page'],
  ])('refuses the origins %s', (CORS_ORIGINS, reason) => {
    expect(problemsOf({ CORS_ORIGINS })).toEqual([
      expect.stringMatching(new RegExp(`^CORS_ORIGINS: .*${reason}`)),
    ]);
  });

  it('names homes that there can be', () => {
    expect(problemsOf({ ZIGBEE2MQTT_HOME: 'küche' })).toEqual([
      expect.stringContaining('ZIGBEE2MQTT_HOME: must be the id of a home'),
    ]);
  });

  it.each([
    [{}, 'open'],
    [{ HTTP_HOST: 'localhost' }, 'open'],
    [{ HTTP_HOST: '0.0.0.0' }, 'invited'],
    [{ HTTP_HOST: '192.168.1.7' }, 'invited'],
    // What a proxy on this machine brings comes from elsewhere
    [{ TRUST_PROXY: '1' }, 'invited'],
    [{ HTTP_HOST: '0.0.0.0', REGISTRATION: 'open' }, 'open'],
    [{ REGISTRATION: 'closed' }, 'closed'],
  ])('lets others register as %j says: %s', (environment, mode) => {
    expect(readConfig(environment).registration).toBe(mode);
  });

  it('says how much there may be of everything, and when keys end', () => {
    const { quotas, apiKeyDays } = readConfig({});
    expect({ ...quotas, apiKeyDays }).toEqual({
      ...{ homesPerPerson: 10, keysPerHome: 50, apiKeyDays: 90 },
      ...{ twinsPerHome: 10_000, rulesPerHome: 1_000, devicesPerHome: 5_000 },
      ...{ journalBytesPerDay: 4_000_000_000, exempt: [] },
    });
    const given = { QUOTA_JOURNAL_MB_PER_DAY: '0', QUOTA_EXEMPT_HOMES: 'plant, lab' };
    expect(readConfig(given).quotas).toMatchObject({
      ...{ journalBytesPerDay: 0, exempt: ['plant', 'lab'] },
    });
    expect(problemsOf({ QUOTA_EXEMPT_HOMES: 'a/b' })).toEqual([
      'QUOTA_EXEMPT_HOMES: must be ids of homes, such as plant, lab',
    ]);
    expect(readConfig({ API_KEY_DAYS: '0', QUOTA_HOMES_PER_PERSON: '0' })).toMatchObject({
      apiKeyDays: 0,
      quotas: { homesPerPerson: 0 },
    });
    expect(problemsOf({ REGISTRATION: 'maybe' })).toEqual([
      expect.stringContaining('REGISTRATION'),
    ]);
  });

  it('names what webhooks may reach although it is not public', () => {
    expect(readConfig({}).webhookAllow).toEqual([]);
    const WEBHOOK_ALLOW = 'nas.local:8080, 192.168.1.0/24';
    expect(readConfig({ WEBHOOK_ALLOW }).webhookAllow).toEqual([
      'nas.local:8080',
      '192.168.1.0/24',
    ]);
    expect(problemsOf({ WEBHOOK_ALLOW: 'http://nas.local/' })).toEqual([
      expect.stringContaining('WEBHOOK_ALLOW: must be hosts'),
    ]);
  });

  it('takes a number of proxies, or where they are', () => {
    const proxies = (TRUST_PROXY: string) => readConfig({ TRUST_PROXY }).http.trustedProxies;
    expect(proxies('1')).toEqual({ hops: 1 });
    expect(proxies('10.0.0.7, 172.16.0.0/12 fd00::/8')).toEqual({
      addresses: ['10.0.0.7', '172.16.0.0/12', 'fd00::/8'],
    });
  });

  it.each([
    ['true', 'believe everybody'],
    ['on', 'believe everybody'],
    ['*', 'believe everybody'],
    ['0.0.0.0/0', 'believe everybody'],
    ['10.0.0.7 ::/0', 'believe everybody'],
    ['proxy.example.org', 'must be a number'],
    ['10.0.0.0/33', 'must be a number'],
    ['10.0.0.0/', 'must be a number'],
    ['-1', 'must be a number'],
  ])('refuses the proxies %s', (TRUST_PROXY, reason) => {
    expect(problemsOf({ TRUST_PROXY })).toEqual([
      expect.stringMatching(new RegExp(`^TRUST_PROXY: .*${reason}`)),
    ]);
  });

  it('takes limits of nothing as none, and none below', () => {
    const limits = readConfig({ LIMIT_SIGN_IN_PER_MINUTE: '0' }).http.limits;
    expect(limits.signIn).toBe(0);
    expect(problemsOf({ LIMIT_REQUESTS_PER_MINUTE: '-1', LIMIT_SIGN_IN_PER_MINUTE: 'x' })).toEqual([
      expect.stringContaining('LIMIT_SIGN_IN_PER_MINUTE'),
      expect.stringContaining('LIMIT_REQUESTS_PER_MINUTE'),
    ]);
  });

  it('takes a certificate and its key, both or neither, and says what is wrong with them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'homeostat-config-'));
    const [cert, key, other] = ['cert.pem', 'key.pem', 'other.pem'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const pair = selfSigned();
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
    writeFileSync(other, selfSigned().key);
    expect(readConfig({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key }).tls).toEqual({
      certFile: cert,
      keyFile: key,
    });
    expect(problemsOf({ TLS_CERT_FILE: cert })).toEqual([
      'TLS_KEY_FILE: is required beside TLS_CERT_FILE',
    ]);
    expect(problemsOf({ TLS_CERT_FILE: cert, TLS_KEY_FILE: other, HTTP_PORT: '0' })).toEqual([
      expect.stringContaining('HTTP_PORT'),
      'TLS_KEY_FILE: is not the key of the certificate in TLS_CERT_FILE',
    ]);
    expect(problemsOf({ TLS_CERT_FILE: `${cert}x`, TLS_KEY_FILE: `${key}x` })).toEqual([
      expect.stringContaining('TLS_CERT_FILE: cannot be read'),
      expect.stringContaining('TLS_KEY_FILE: cannot be read'),
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('the folder of kinds', () => {
  it('is none by default, and refused where there is none', () => {
    expect([readConfig({}).kindsDir, readKindsDir({}), readKindsDir({ KINDS_DIR: '' })]).toEqual([
      ...[null, null, null],
    ]);
    const KINDS_DIR = tmpdir();
    expect([readConfig({ KINDS_DIR }).kindsDir, readKindsDir({ KINDS_DIR })]).toEqual([
      ...[KINDS_DIR, KINDS_DIR],
    ]);
    for (const path of ['/nowhere', import.meta.filename]) {
      expect(problemsOf({ KINDS_DIR: path })).toEqual([`KINDS_DIR: there is no folder ${path}`]);
      expect(() => readKindsDir({ KINDS_DIR: path })).toThrow(`there is no folder ${path}`);
    }
  });
});
