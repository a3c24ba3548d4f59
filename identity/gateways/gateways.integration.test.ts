import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import type { BrokerAccount } from '../devices/device-address.ts';
import type { Identity } from '../identity.ts';
import { openIdentity, STORES } from '../testing/open-identity.ts';

describe.each(STORES)('gateways on %s', (_store, makeDatabase) => {
  let database: { url: string } & AsyncDisposable;
  let clock: ManualClock;
  let identity: Identity;
  let announced: { account: BrokerAccount; secret: string }[];

  beforeEach(async () => {
    database = await makeDatabase();
    clock = new ManualClock();
    announced = [];
    identity = await openIdentity(clock, {
      url: database.url,
      announce: async (account, secret) => {
        announced.push({ account, secret });
      },
    });
  });
  afterEach(async () => {
    await identity[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const make = async (home = 'one', twins: string[] = []) => {
    const { gateway, secret } = await identity.gateways.make(
      { home, name: 'Central unit', fetches: false },
      'admin',
    );
    if (twins.length > 0) await identity.gateways.assign(home, gateway.id, twins, 'test');
    return { id: gateway.id, secret };
  };

  describe('a gateway', () => {
    it('signs in with its id and secret, and its token carries its home', async () => {
      const { id, secret } = await make();
      const grant = await identity.gateways.login(id, secret, '192.0.2.7');
      expect(await identity.principalOf(grant.accessToken)).toMatchObject({
        type: 'gateway',
        gateway: id,
        home: 'one',
      });
      const next = await identity.sessions.refresh(grant.refreshToken, null);
      expect(await identity.principalOf(next.accessToken)).toMatchObject({ gateway: id });
      for (const [name, word] of [
        [id, 'wrong'],
        ['nobody', secret],
      ] as const) {
        await expect(identity.gateways.login(name, word, null)).rejects.toMatchObject({
          code: 'bad-credentials',
        });
      }
    });

    it('speaks for a thousand devices, and takes them over from another', async () => {
      const twins = Array.from({ length: 1_000 }, (_, n) => `t${n}`);
      const former = await make('one', ['t0', 't999', 'other']);
      const { id } = await make('one', twins);
      expect(identity.gateways.read('one', id).twins).toEqual(new Set(twins));
      expect([...identity.gateways.read('one', former.id).twins]).toEqual(['other']);
      expect(identity.gateways.speakerFor('one', 't999')?.id).toBe(id);
    });

    it('is one of a hundred of its home at most', async () => {
      for (let n = 0; n < 100; n++) await make();
      await expect(make()).rejects.toMatchObject({
        code: 'quota-exceeded',
        quota: { quota: 'gateways', limit: 100, used: 100 },
      });
      expect(announced).toHaveLength(100);
      await make('two');
    });

    it('may read and report for the devices that are assigned to it, and for no others', async () => {
      const { id, secret } = await make('one', ['pump']);
      const { accessToken } = await identity.gateways.login(id, secret, null);
      const principal = await identity.principalOf(accessToken);
      const may = async (home: string, twin: string) =>
        await identity.decide(principal, 'twin.read', home, twin);
      expect(await may('one', 'pump')).toEqual({ may: true });
      expect(await may('one', 'fan')).toEqual({ may: false, because: 'forbidden' });
      expect(await may('two', 'pump')).toEqual({ may: false, because: 'hidden' });
      expect(await identity.mqttAccounts.admit(id, secret)).toEqual({
        username: id,
        devices: [{ home: 'one', twin: 'pump' }],
        principal: `gateway:${id}`,
      });
    });

    it('takes a device over from the one before', async () => {
      const former = await make('one', ['pump', 'fan']);
      const next = await make('one', ['pump']);
      const { gateways } = identity;
      expect(gateways.speakerFor('one', 'pump')?.id).toBe(next.id);
      expect([...gateways.read('one', former.id).twins]).toEqual(['fan']);
      await gateways.assign('one', next.id, [], 'test');
      expect(gateways.speakerFor('one', 'pump')).toBeNull();
    });

    it('is what it was after a restart', async () => {
      const { id } = await make('one', ['pump', 'fan']);
      await identity.gateways.assign('one', id, ['fan', 'door'], 'test');
      await identity.gateways.load();
      expect(identity.gateways.list('one')).toMatchObject([
        { id, name: 'Central unit', twins: new Set(['door', 'fan']) },
      ]);
    });

    it('is out as soon as it is removed, or has a new secret', async () => {
      const { id, secret } = await make();
      const first = await identity.gateways.login(id, secret, null);
      const renewed = await identity.gateways.renew('one', id, 'test');
      expect(await identity.principalOf(first.accessToken)).toBeNull();
      await expect(identity.gateways.login(id, secret, null)).rejects.toThrow();
      const second = await identity.gateways.login(id, renewed, null);
      await identity.gateways.revoke('one', id, 'test');
      expect(await identity.principalOf(second.accessToken)).toBeNull();
      await expect(identity.sessions.refresh(second.refreshToken, null)).rejects.toThrow();
      expect(await identity.mqttAccounts.admit(id, renewed)).toBeNull();
    });

    it('is told to a broker with what it speaks for', async () => {
      const { id } = await make('one', ['pump']);
      const renewed = await identity.gateways.renew('one', id, 'test');
      expect(announced.at(-1)).toEqual({
        account: { username: id, devices: [{ home: 'one', twin: 'pump' }] },
        secret: renewed,
      });
      expect(await identity.mqttAccounts.all()).toEqual([
        { username: id, devices: [{ home: 'one', twin: 'pump' }] },
      ]);
    });

    it('belongs to its home', async () => {
      const { id } = await make('one');
      for (const refused of [
        () => identity.gateways.revoke('two', id, 'test'),
        () => identity.gateways.renew('two', id, 'test'),
        () => identity.gateways.assign('two', id, ['pump'], 'test'),
      ]) {
        await expect(refused()).rejects.toMatchObject({ code: 'not-found' });
      }
    });

    it('has its stolen refresh token end its session, and its home told', async () => {
      const { id, secret } = await make();
      const grant = await identity.gateways.login(id, secret, null);
      await identity.sessions.refresh(grant.refreshToken, null);
      clock.advance(60_000);
      await expect(identity.sessions.refresh(grant.refreshToken, null)).rejects.toThrow();
      const [entry] = await identity.audit.list('one', {}, { limit: 1, before: null });
      expect(entry).toMatchObject({ action: 'session.reuse', who: `gateway:${id}` });
    });
  });
});
