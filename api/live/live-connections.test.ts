import { expect, it, vi } from 'vitest';
import { LiveConnections } from './live-connections.ts';

const open = (connections: LiveConnections, account: string) =>
  connections.add({ account, end: () => {}, kill: () => {} });

/** @returns how many it gets */
function takeAll(connections: LiveConnections, account: string): number {
  for (let taken = 0; ; taken++) {
    try {
      open(connections, account);
    } catch {
      return taken;
    }
  }
}

it('gives one account fifty streams, and again what it has closed', () => {
  const connections = new LiveConnections();
  const first = open(connections, 'home:h1');
  expect(takeAll(connections, 'home:h1')).toBe(49);
  first[Symbol.dispose]();
  expect(takeAll(connections, 'home:h1')).toBe(1);
});

it('has streams left for the next, when two people have taken all they can with ten homes each', () => {
  const connections = new LiveConnections();
  for (let n = 0; n < 22; n++) takeAll(connections, `home:h${n}`);
  expect(takeAll(connections, 'person:p')).toBeGreaterThan(10);
});

it('lets the server go on when every stream that it has asked to end has ended', async () => {
  const connections = new LiveConnections();
  await connections.endAll();
  const asked: string[] = [];
  const [first, second] = ['a', 'b'].map((account) =>
    connections.add({ account, end: () => asked.push(account), kill: () => {} }),
  );
  let isOver = false;
  const over = connections.endAll().then(() => {
    isOver = true;
  });
  expect(asked).toEqual(['a', 'b']);
  first?.[Symbol.dispose]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  second?.[Symbol.dispose]();
  await over;
});

it('ends a stream that was asked for before and begins while the server stops', async () => {
  const connections = new LiveConnections();
  await connections.endAll();
  const asked: string[] = [];
  let hasBegun = false;
  const late = connections.add({
    account: 'late',
    end: () => asked.push(hasBegun ? 'ended' : 'ended too early'),
    kill: () => {},
  });
  hasBegun = true;
  await Promise.resolve();
  expect(asked).toEqual(['ended']);
  late[Symbol.dispose]();
});

it('takes down who was asked to end and does not', async () => {
  vi.useFakeTimers();
  try {
    const connections = new LiveConnections();
    const killed: string[] = [];
    const [deaf, polite] = ['deaf', 'polite'].map((account) =>
      connections.add({ account, end: () => {}, kill: () => killed.push(account) }),
    );
    const over = connections.endAll();
    polite?.[Symbol.dispose]();
    vi.runAllTimers();
    expect(killed).toEqual(['deaf']);
    deaf?.[Symbol.dispose]();
    await over;
  } finally {
    vi.useRealTimers();
  }
});
