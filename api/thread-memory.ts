import { setFlagsFromString } from 'node:v8';

/**
 * Gives threads that begin from now on the memory that their own `resourceLimits` say. V8 applies the program's
 * `--max-semi-space-size` and `--max-old-space-size`, which are meant for the main thread, to every thread, above those
 * limits. The heap of a thread that runs already keeps its size.
 */
export function applyThreadLimits(): void {
  setFlagsFromString('--max-semi-space-size=0');
  setFlagsFromString('--max-old-space-size=0');
}
