import { expect } from 'vitest';

/** Matches an id that the engine made, whatever life it carries: `h1/lamp@2#0` stands for `h1/lamp@2.Xk3_9fQz#0`. */
export function idLike(id: string): string {
  const [turn = '', rest = ''] = id.split(/(?=[#!>])/, 2);
  const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return expect.stringMatching(
    new RegExp(`^${escaped(turn)}\\.[\\w-]{8}${escaped(rest)}$`),
  ) as unknown as string;
}
