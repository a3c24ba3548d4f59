import { type Engine, EngineError, type TwinReading, type TwinRow } from '../../engine/index.ts';

/**
 * A stored twin with its kind applied, for lists: one whose state cannot be read (its kind changed
 * without a migration) shows without its view and does not hide the others. Reading it alone says
 * what is wrong.
 */
export function readingOf(engine: Engine, row: TwinRow): TwinReading {
  try {
    return { row, view: engine.view(row) };
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'state-unreadable')) throw error;
    return { row, view: { reported: {}, desired: {}, settings: {} } };
  }
}
