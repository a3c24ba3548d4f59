import { describe, expect, it } from 'vitest';
import { Connections, type Slot } from './connection-limits.ts';

function taken(connections: Connections, address: string, admitted = true): Slot {
  const slot = connections.enter(address);
  if (typeof slot === 'string') throw new Error(slot);
  if (admitted) slot.admitted();
  return slot;
}

describe('connections', () => {
  it('are bounded in all, and a place that is left is free again, once', () => {
    const connections = new Connections({ all: 2, perAddress: 10 });
    const first = taken(connections, '127.0.0.1');
    taken(connections, '192.0.2.1');
    expect(connections.enter('192.0.2.2')).toBe('2 clients are connected already');
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    taken(connections, '192.0.2.2');
    expect(connections.enter('192.0.2.3')).toContain('connected already');
  });

  it('of one address are bounded, but of this machine itself', () => {
    const connections = new Connections({ all: 100, perAddress: 2 });
    for (let n = 0; n < 2; n++) taken(connections, '192.0.2.1');
    expect(connections.enter('192.0.2.1')).toContain('of this address');
    taken(connections, '192.0.2.2');
    for (let n = 0; n < 5; n++) taken(connections, '::ffff:127.0.0.1');
    for (let n = 0; n < 5; n++) taken(connections, '::1');
  });

  it('of one network of IPv6 are those of one address', () => {
    const connections = new Connections({ all: 100, perAddress: 1 });
    taken(connections, '2001:db8:1:2::1');
    expect(connections.enter('2001:db8:1:2:ffff::9')).toContain('of this address');
    taken(connections, '2001:db8:1:3::1');
    taken(connections, '2001:db8::1');
    expect(connections.enter('2001:db8:0:0:1::')).toContain('of this address');
    taken(connections, '::5:6:7:8:9:a:b');
    expect(connections.enter('0:5:6:7:1:2:3:4')).toContain('of this address');
  });

  it('that wait to be let in are few', () => {
    const connections = new Connections({ all: 10_000, perAddress: 10_000 });
    const waiting = Array.from({ length: 20 }, () => taken(connections, '192.0.2.1', false));
    expect(connections.enter('192.0.2.1')).toContain('wait to be let in');
    waiting[0]?.admitted();
    taken(connections, '192.0.2.1', false);
    const all = Array.from({ length: 480 }, (_, n) =>
      taken(connections, `198.51.100.${n % 256}`, false),
    );
    expect(connections.enter('203.0.113.1')).toContain('wait to be let in');
    for (const slot of [...waiting, ...all]) slot[Symbol.dispose]();
    taken(connections, '203.0.113.1');
  });
});
