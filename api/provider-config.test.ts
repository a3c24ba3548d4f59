import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { problemsOf } from './testing/config-problems.ts';

const GOOGLE = {
  PUBLIC_URL: 'https://homeostat.example.org',
  APP_URLS: 'https://app.example.org/signed-in, myapp://signed-in',
  OIDC_PROVIDERS: 'google',
  OIDC_GOOGLE_ISSUER: 'https://accounts.google.com',
  OIDC_GOOGLE_CLIENT_ID: 'id',
  OIDC_GOOGLE_CLIENT_SECRET: 'secret',
};

describe('sign-in with others', () => {
  it('is with nobody, unless somebody is named', () => {
    expect(readConfig({}).signIn).toEqual({ providers: [], appUrls: [] });
  });

  it('needs an address, a client and a secret', () => {
    expect(readConfig(GOOGLE).signIn).toEqual({
      providers: [
        {
          ...{ name: 'google', label: 'Google', issuer: 'https://accounts.google.com' },
          ...{ clientId: 'id', clientSecret: 'secret' },
          ...{ scopes: 'openid email profile', responseMode: 'query' },
        },
      ],
      appUrls: ['https://app.example.org/signed-in', 'myapp://signed-in'],
    });
  });

  it('may be with several, each with what is particular to it', () => {
    const { providers } = readConfig({
      ...GOOGLE,
      OIDC_PROVIDERS: 'google apple-id',
      OIDC_APPLE_ID_ISSUER: 'https://appleid.apple.com',
      OIDC_APPLE_ID_CLIENT_ID: 'org.example',
      OIDC_APPLE_ID_CLIENT_SECRET_FILE: '/run/secrets/apple',
      OIDC_APPLE_ID_LABEL: 'Apple',
      OIDC_APPLE_ID_SCOPES: 'openid email name',
      OIDC_APPLE_ID_RESPONSE_MODE: 'form_post',
    }).signIn;
    expect(providers[1]).toEqual({
      ...{ name: 'apple-id', label: 'Apple', issuer: 'https://appleid.apple.com' },
      ...{ clientId: 'org.example', clientSecret: { file: '/run/secrets/apple' } },
      ...{ scopes: 'openid email name', responseMode: 'form_post' },
    });
  });

  it('says all that is missing at once', () => {
    const named = problemsOf({ OIDC_PROVIDERS: 'google' }).map((problem) => problem.split(':')[0]);
    expect(named.sort()).toEqual([
      ...['APP_URLS', 'OIDC_GOOGLE_CLIENT_ID', 'OIDC_GOOGLE_CLIENT_SECRET'],
      ...['OIDC_GOOGLE_ISSUER', 'PUBLIC_URL'],
    ]);
  });

  it.each([
    ['OIDC_PROVIDERS', 'Google', 'lower-case'],
    ['OIDC_GOOGLE_ISSUER', 'accounts.google.com', 'must be an address'],
    ['OIDC_GOOGLE_ISSUER', 'http://accounts.google.com', 'this machine only'],
    ['OIDC_GOOGLE_CLIENT_SECRET_FILE', '/run/secrets/google', 'not both'],
    ['OIDC_GOOGLE_SCOPES', 'email profile', 'openid'],
    ['OIDC_GOOGLE_RESPONSE_MODE', 'fragment', 'query'],
    ['APP_URLS', '/signed-in', 'must be an address'],
    ['APP_URLS', 'javascript:alert(1)', 'must be an address'],
    ['APP_URLS', 'https://app.example.org/?x=1', 'without'],
  ])('refuses %s=%s', (name, value, reason) => {
    const problems = problemsOf({ ...GOOGLE, [name]: value });
    expect(problems).toEqual([expect.stringContaining(reason)]);
  });

  it('takes a provider on this machine without TLS, for trying it out', () => {
    for (const issuer of ['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000']) {
      expect(problemsOf({ ...GOOGLE, OIDC_GOOGLE_ISSUER: issuer })).toEqual([]);
    }
  });
});
