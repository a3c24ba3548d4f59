import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { IdentityError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import { openIdentity, STORES } from '../testing/open-identity.ts';
import type { BrokerAccount } from './device-address.ts';

const MINUTE_MS = 60_000;
/** The engine does its part. */
const nothing = async () => {};
describe.each(STORES)('devices on %s', (_store, makeDatabase) => {
  let database: { url: string } & AsyncDisposable;
  let clock: ManualClock;
  let identity: Identity;
  let announced: { account: BrokerAccount; secret: string }[];
  let isBrokerAway: boolean;

  beforeEach(async () => {
    database = await makeDatabase();
    clock = new ManualClock();
    announced = [];
    isBrokerAway = false;
    identity = await openIdentity(clock, {
      url: database.url,
      announce: async (account, secret) => {
        if (isBrokerAway) throw new IdentityError('unavailable', 'the broker is away');
        announced.push({ account, secret });
      },
    });
  });
  afterEach(async () => {
    await identity[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const wrong = { code: 'bad-credentials' };

  describe('the secret of a device', () => {
    it('lets the device in by its name, and nobody else', async () => {
      const secret = await identity.devices.make('one', 'pump', 'admin');
      const { mqttAccounts } = identity;
      expect(await mqttAccounts.admit('one/pump', secret)).toEqual({
        username: 'one/pump',
        devices: [{ home: 'one', twin: 'pump' }],
        principal: 'device:one/pump',
      });
      expect(await mqttAccounts.admit('one/fan', secret)).toBeNull();
      expect(await mqttAccounts.admit('one/pump', `${secret}x`)).toBeNull();
      expect(await identity.principalOf(secret)).toEqual({
        type: 'device',
        home: 'one',
        twin: 'pump',
      });
    });

    it('is told to a broker before it counts', async () => {
      const secret = await identity.devices.make('one', 'pump', 'admin');
      expect(announced).toEqual([
        { account: { username: 'one/pump', devices: [{ home: 'one', twin: 'pump' }] }, secret },
      ]);
      isBrokerAway = true;
      await expect(identity.devices.make('one', 'pump', 'admin')).rejects.toMatchObject({
        code: 'unavailable',
      });
      expect(await identity.principalOf(secret)).not.toBeNull();
    });

    it('takes the place of the one before', async () => {
      const first = await identity.devices.make('one', 'pump', 'admin');
      const second = await identity.devices.make('one', 'pump', 'admin');
      expect(await identity.principalOf(first)).toBeNull();
      expect(await identity.principalOf(second)).not.toBeNull();
    });

    it('ends with its twin, its home, and when it is revoked', async () => {
      const ended: string[] = [];
      identity.mqttAccounts.subscribe((username) => ended.push(username));
      const secrets = await Promise.all(
        ['pump', 'fan', 'door'].map((twin) => identity.devices.make('one', twin, 'admin')),
      );
      ended.length = 0;
      await identity.devices.revoke('one', 'pump');
      await identity.homes.removeTwin({ home: 'one', twin: 'fan' }, nothing);
      await identity.homes.remove('one', nothing);
      for (const secret of secrets) expect(await identity.principalOf(secret)).toBeNull();
      expect(ended).toEqual(['one/pump', 'one/fan', 'one/door']);
      await expect(identity.devices.revoke('one', 'pump')).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    it('is not what a key with the scope of a bridge needs', async () => {
      const make = (
        scopes: readonly ['mqtt.bridge'] | readonly ['twin.read'],
        home: string | null,
      ) => identity.keys.make({ home, name: 'z2m', scopes: [...scopes], expiresAt: null }, 'admin');
      const bridge = await make(['mqtt.bridge'], null);
      const reader = await make(['twin.read'], null);
      const { mqttAccounts } = identity;
      expect(await mqttAccounts.admit(bridge.key.id, bridge.secret)).toMatchObject({
        devices: 'all',
      });
      expect(await mqttAccounts.admit('somebody', bridge.secret)).toBeNull();
      expect(await mqttAccounts.admit(reader.key.id, reader.secret)).toBeNull();
    });
  });

  describe('a claim code', () => {
    const claim = { home: 'one', room: 'kitchen', twin: null };

    it('lets one device in, as a person types it', async () => {
      const code = await identity.claimCodes.make(
        { ...claim, expiresAt: clock.now() + MINUTE_MS },
        'admin',
      );
      const typed = code.toLowerCase().replace('-', ' ');
      const use = async ({ home, room }: { home: string; room: string | null }, by: string) =>
        `${home} ${room} ${by}`;
      expect(await identity.claimCodes.redeem(typed, use)).toBe('one kitchen admin');
      await expect(identity.claimCodes.redeem(code, use)).rejects.toMatchObject(wrong);
    });

    it('counts again when what it was for has failed', async () => {
      const code = await identity.claimCodes.make(
        { ...claim, expiresAt: clock.now() + MINUTE_MS },
        'admin',
      );
      const failed = identity.claimCodes.redeem(code, () =>
        Promise.reject(new Error('no such kind')),
      );
      await expect(failed).rejects.toThrow('no such kind');
      expect(await identity.claimCodes.redeem(code, async () => 'done')).toBe('done');
    });

    it('is for one of several who come at once', async () => {
      const code = await identity.claimCodes.make(
        { ...claim, expiresAt: clock.now() + MINUTE_MS },
        'admin',
      );
      const tries = await Promise.allSettled(
        Array.from({ length: 5 }, () => identity.claimCodes.redeem(code, async () => 'in')),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    it('ends after its time, and with its home', async () => {
      const code = () =>
        identity.claimCodes.make({ ...claim, expiresAt: clock.now() + MINUTE_MS }, 'admin');
      const [old, gone] = [await code(), await code()];
      await identity.homes.remove('one', nothing);
      await expect(identity.claimCodes.redeem(gone, async () => 'in')).rejects.toMatchObject(wrong);
      clock.advance(MINUTE_MS);
      await expect(identity.claimCodes.redeem(old, async () => 'in')).rejects.toMatchObject(wrong);
    });
  });

  describe('a factory token', () => {
    const make = (usesLeft = 2) =>
      identity.factory.make(
        { name: 'Lot 7', kind: 'relay', usesLeft, expiresAt: clock.now() + MINUTE_MS },
        'admin',
      );

    it('enrols as many devices as it has uses, while it counts', async () => {
      const { token, secret } = await make();
      await identity.factory.enrol(secret, 's-1');
      await identity.factory.enrol(secret, 's-2');
      await expect(identity.factory.enrol(secret, 's-3')).rejects.toMatchObject(wrong);
      expect((await identity.factory.list())[0]).toMatchObject({ id: token.id, usesLeft: 0 });

      const later = await make();
      clock.advance(MINUTE_MS);
      await expect(identity.factory.enrol(later.secret, 's-4')).rejects.toMatchObject(wrong);
      const revoked = await make();
      await identity.factory.revoke(revoked.token.id);
      await expect(identity.factory.enrol(revoked.secret, 's-5')).rejects.toMatchObject(wrong);
    });

    it('gives a device its secret, which is its twin’s once somebody has claimed it', async () => {
      const { secret: token } = await make();
      const { secret, code } = await identity.factory.enrol(token, 's-1');
      expect(await identity.principalOf(secret)).toBeNull();
      expect(await identity.factory.findBySecret(secret)).toMatchObject({ claimed: null });
      expect(await identity.factory.findByCode(code)).toMatchObject({
        serial: 's-1',
        kind: 'relay',
      });

      await identity.factory.claim('s-1', 'one', 'bath', 'admin');
      expect(await identity.factory.findBySecret(secret)).toMatchObject({
        claimed: { home: 'one', twin: 'bath' },
      });
      expect(await identity.principalOf(secret)).toMatchObject({ home: 'one', twin: 'bath' });
      await expect(identity.factory.claim('s-1', 'two', 'bath', 'admin')).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(identity.factory.enrol(token, 's-1')).rejects.toMatchObject({
        code: 'conflict',
      });
    });

    it('may enrol again until somebody has claimed the device', async () => {
      const { secret: token } = await make();
      const first = await identity.factory.enrol(token, 's-1');
      const second = await identity.factory.enrol(token, 's-1');
      expect(await identity.factory.findBySecret(first.secret)).toBeNull();
      await expect(identity.factory.findByCode(first.code)).rejects.toMatchObject(wrong);
      expect(await identity.factory.findBySecret(second.secret)).not.toBeNull();
    });

    it('leaves a device that is given away to the next one', async () => {
      const { secret: token } = await make();
      const { secret, code } = await identity.factory.enrol(token, 's-1');
      await identity.factory.claim('s-1', 'one', 'bath', 'admin');
      await identity.homes.removeTwin({ home: 'one', twin: 'bath' }, nothing);
      expect(await identity.factory.findBySecret(secret)).toMatchObject({ claimed: null });
      expect(await identity.principalOf(secret)).toBeNull();
      expect(await identity.factory.findByCode(code)).toMatchObject({ serial: 's-1' });
      await identity.factory.claim('s-1', 'two', 's-1', 'admin');
      expect(await identity.principalOf(secret)).toMatchObject({ home: 'two' });
    });

    it('ends the account that its twin had at a broker, until the device has asked', async () => {
      const { secret: token } = await make();
      const { secret } = await identity.factory.enrol(token, 's-1');
      const former = await identity.devices.make('one', 'bath', 'admin');
      const { devices, factory, mqttAccounts } = identity;
      const told: unknown[] = [];
      mqttAccounts.subscribe((username) => told.push(username));
      await factory.claim('s-1', 'one', 'bath', 'admin');
      expect(told).toEqual(['one/bath']);
      expect(await mqttAccounts.find('one/bath')).toBeNull();
      expect(await mqttAccounts.all()).toEqual([]);
      const bath = { home: 'one', twin: 'bath' };
      expect(await devices.announceIfPresent(bath, former)).toBe(false);
      expect(await devices.announceIfPresent(bath, secret)).toBe(true);
      expect(announced.at(-1)).toMatchObject({ secret });
      expect(await mqttAccounts.find('one/bath')).toMatchObject({ devices: [bath] });
      await factory.claim('s-1', 'one', 'bath', 'admin');
      expect(await mqttAccounts.all()).toHaveLength(1);
    });

    it('is claimed in full or not at all', async () => {
      const { secret: token } = await make();
      const { secret } = await identity.factory.enrol(token, 's-1');
      const { devices } = identity;
      const { adopt } = devices;
      devices.adopt = () => Promise.reject(new Error('killed'));
      await expect(identity.factory.claim('s-1', 'one', 's-1', 'admin')).rejects.toThrow('killed');
      devices.adopt = adopt;
      expect(await identity.factory.findBySecret(secret)).toMatchObject({ claimed: null });
      await identity.factory.claim('s-1', 'one', 's-1', 'admin');
      expect(await identity.principalOf(secret)).toMatchObject({ home: 'one', twin: 's-1' });
    });
  });

  describe('the policy of a home', () => {
    it('is the configured one until it has its own', async () => {
      const { policies } = identity;
      expect(policies.of('one')).toBeNull();
      await policies.set('one', 'closed', 'test');
      await policies.set('one', 'open', 'test');
      await policies.load();
      expect(policies.of('one')).toBe('open');
      await identity.homes.remove('one', nothing);
      expect(policies.of('one')).toBeNull();
    });
  });
});
