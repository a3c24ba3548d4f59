import { describe, expect, it } from 'vitest';
import { ApiBench, EDGE } from '../http/testing/api-bench.ts';
import type { TrustedProxies } from './proxies.ts';

const PROXY = '10.0.0.1';
const CLIENT = '203.0.113.7';

/** The address that the audit writes down for a request that comes from the proxy's. */
async function addressOf(
  trustedProxies: TrustedProxies | null,
  forwardedFor: string,
): Promise<unknown> {
  await using api = await ApiBench.open({ server: { edge: { ...EDGE, trustedProxies } } });
  const { token } = await api.person('ada@example.org');
  await api.app.inject({
    method: 'POST',
    url: '/v1/homes',
    remoteAddress: PROXY,
    headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': forwardedFor },
    payload: { id: 'h1' },
  });
  const { items } = await api.get('/v1/audit');
  return items.find(({ action }) => action === 'home.create')?.address;
}

describe('where a request comes from', () => {
  it('is what the connection says, whatever a header claims', async () => {
    expect(await addressOf(null, CLIENT)).toBe(PROXY);
    expect(await addressOf({ addresses: ['10.0.0.2'] }, CLIENT)).toBe(PROXY);
    expect(await addressOf({ hops: 0 }, CLIENT)).toBe(PROXY);
  });

  it('is what a proxy that is trusted says', async () => {
    expect(await addressOf({ addresses: [PROXY] }, CLIENT)).toBe(CLIENT);
    expect(await addressOf({ addresses: ['10.0.0.0/8'] }, CLIENT)).toBe(CLIENT);
    expect(await addressOf({ hops: 1 }, CLIENT)).toBe(CLIENT);
  });

  it('is not what the client itself told the proxy', async () => {
    const told = `198.51.100.9, ${CLIENT}`;
    expect(await addressOf({ addresses: [PROXY] }, told)).toBe(CLIENT);
    expect(await addressOf({ hops: 1 }, told)).toBe(CLIENT);
  });
});
