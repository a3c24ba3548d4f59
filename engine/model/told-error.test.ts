import { expect, it } from 'vitest';
import { EngineError } from './errors.ts';
import { heardError, tellError } from './told-error.ts';

const overAndBack = (thrown: unknown) => heardError(structuredClone(tellError(thrown)));

it('tells an error of the engine with its code, its hint and the text of its cause', () => {
  const heard = overAndBack(
    new EngineError('storage-full', 'the disk is full', {
      hint: 'Free some space.',
      cause: new TypeError('no room'),
    }),
  );
  expect(heard).toBeInstanceOf(EngineError);
  expect(heard).toMatchObject({
    ...{ code: 'storage-full', message: 'the disk is full', hint: 'Free some space.' },
    ...{ retryable: true, cause: new Error('no room') },
  });
});

it('tells an error without hint and cause, and a bug with where it happened', () => {
  const heard = overAndBack(new EngineError('fenced', 'no more'));
  expect(heard).toMatchObject({ code: 'fenced', retryable: false, hint: undefined });
  expect(heard.cause).toBeUndefined();
  const bug = overAndBack(new TypeError('a bug'));
  expect(bug).not.toBeInstanceOf(EngineError);
  expect(bug.message).toBe('a bug');
  expect(bug.cause).toContain('told-error.test.ts');
  expect(overAndBack('a text').message).toBe('a text');
});
