import { EngineError } from '../../model/errors.ts';
import type { Json } from '../../model/json.ts';
import type { LogRow } from '../../model/rows.ts';

/** A row that a turn changes: of its twin, or of its home as a whole. Keys sort as bytes, 1 to 200 characters. */
export interface RowKey {
  of: 'twin' | 'home';
  key: string;
}

/**
 * A table that is computed from the log: pure, as a kind is. The same turns in the same order give the same rows,
 * whether they come from memory or from the store.
 */
export interface Projection<Value extends Json = Json> {
  /** 1 to 64 small letters, digits and `-`. */
  readonly name: string;
  /** The version. Raise it when the same turns give other rows: the projection is built anew then. */
  readonly version: number;
  /** How long turns may wait before they are applied, ms. Default 1,000. */
  readonly everyMs?: number;
  /** The rows that a turn changes, each once. At most {@link MAX_KEYS}. */
  keysOf(turn: LogRow): readonly RowKey[];
  /**
   * A row after a turn. A value is replaced, never changed; the same value: nothing is written. Null: there is no row.
   * What it throws leaves the turn out.
   */
  apply(value: Value | null, turn: LogRow, key: RowKey): Value | null;
}

export const MAX_KEYS = 16;
export const MAX_KEY_LENGTH = 200;
/** Bytes of JSON that the value of a row may have. */
export const MAX_VALUE_BYTES = 64 * 1024;

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** @throws EngineError `bad-input` for definitions that cannot be told apart or have no version */
export function assertProjections(definitions: readonly Projection[]): void {
  const names = new Set<string>();
  for (const { name, version } of definitions) {
    if (!NAME.test(name)) {
      throw new EngineError('bad-input', `"${name}" is no name of a projection`, {
        hint: 'A name has 1 to 64 small letters, digits and "-", and begins with a letter.',
      });
    }
    if (names.has(name)) {
      throw new EngineError('bad-input', `there are two projections "${name}"`, {
        hint: 'Rename one of them.',
      });
    }
    if (!Number.isInteger(version) || version < 1) {
      throw new EngineError('bad-input', `projection ${name}: ${version} is no version`, {
        hint: 'A version is an integer from 1 on.',
      });
    }
    names.add(name);
  }
}
