import { EngineError } from './errors.ts';
import type { AnyKind } from './kind.ts';

/**
 * What a device may be.
 * @throws EngineError `unknown-kind`, with the kinds of devices, for a kind that there is not, or whose twins are no devices
 */
export function assertDeviceKind(kinds: ReadonlyMap<string, AnyKind>, name: string): void {
  const kind = kinds.get(name);
  if (kind && kind.isDevice !== false) return;
  const devices = [...kinds.values()].filter(({ isDevice }) => isDevice !== false);
  throw new EngineError(
    'unknown-kind',
    kind ? `a ${name} is no device` : `there is no kind "${name}"`,
    { hint: `Kinds of devices: ${devices.map((one) => one.kind).join(', ')}.` },
  );
}
