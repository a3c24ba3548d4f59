import { EngineError } from '../model/errors.ts';
import type { Storage } from '../storage/port.ts';

/** A store whose verbs fail while a test says so; everything else goes through. */
export function flaky(storage: Storage): Storage & { fail: Map<keyof Storage, Error> } {
  const fail = new Map<keyof Storage, Error>();
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'fail') return fail;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const error = fail.get(name as keyof Storage);
        if (error) return Promise.reject(error);
        return (member as (...a: unknown[]) => unknown).apply(target, args);
      };
    },
  }) as Storage & { fail: Map<keyof Storage, Error> };
}

export const away = new EngineError('storage-unavailable', 'the database is away');
