import { keyOf } from '../model/envelope.ts';
import { EngineError, messageOf } from '../model/errors.ts';
import type { AnyKind, MachineState } from '../model/kind.ts';
import type { LoadedTwin } from '../model/rows.ts';
import type { TwinState } from '../model/twin-state.ts';

/**
 * Brings a twin that an older version of its kind has stored to the present version, step by step.
 * The result is stored with the twin's next turn; replay begins from a checkpoint of that version.
 * @throws EngineError `state-unreadable` where no migration leads here
 */
export function migrateTwin<T extends LoadedTwin>(kind: AnyKind, stored: T): T {
  if (stored.version === kind.version) return stored;
  const where = `${keyOf(stored)} is stored by ${kind.kind} version ${stored.version}, this is version ${kind.version}`;
  if (stored.version > kind.version) {
    throw new EngineError('state-unreadable', where, {
      hint: 'Run the newer version of the kind; there is no way back.',
    });
  }
  if (!kind.migrate) {
    throw new EngineError('state-unreadable', where, { hint: 'Give the kind a `migrate`.' });
  }
  let machine: MachineState = {
    value: stored.state.value,
    historyValue: stored.state.historyValue,
    context: stored.state.context,
  };
  for (let version = stored.version; version < kind.version; version++) {
    try {
      machine = kind.migrate(machine, version);
    } catch (cause) {
      throw new EngineError(
        'state-unreadable',
        `${where}: its migration from ${version} failed: ${messageOf(cause)}`,
        { hint: 'Mend `migrate`; the stored twin is as it was.', cause },
      );
    }
  }
  return { ...stored, version: kind.version, state: { ...stored.state, ...machine } as TwinState };
}
