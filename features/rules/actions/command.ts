/** Commands devices, and waits for what becomes of it where it is asked to. */
import { z } from 'zod';
import type { Json, JsonObject, Watch } from '../../../engine/kind.ts';
import { influencesOn, isOpen } from '../checker/influence.ts';
import { checkBySchema, checkCommandName } from '../checker/values.ts';
import type { Operand } from '../expressions/expression.ts';
import { parseTemplate, type Template } from '../expressions/template.ts';
import { formatDuration } from '../language/duration.ts';
import type { Place } from '../language/place.ts';
import { afterwards, fields, target, typed, wait } from '../language/schemas.ts';
import {
  type Action,
  type CommandOutcome,
  defineAction,
  described,
  type Instruction,
  operandsOf,
  type Progress,
  type Step,
} from './action.ts';
import { claimed, twinsIn } from './claims.ts';

interface CommandAction extends Action {
  readonly type: 'command';
  readonly twin: string | string[];
  readonly name: string;
  readonly args: Record<string, Json>;
  /** ms. */
  readonly ttl?: number;
  readonly expect?: Record<string, Json>;
  readonly wait: boolean;
  /** `after` in ms. */
  readonly retry?: { times: number; after: number };
  readonly otherwise: 'continue' | 'stop';
}

export const command = defineAction<CommandAction>({
  type: 'command',
  schema: () =>
    z
      .strictObject({
        command: z.strictObject({
          twin: target,
          name: z.string(),
          args: fields.default({}),
          ttl: wait.optional(),
          expect: fields.optional().describe('Reported values that confirm it'),
          wait: z.boolean().default(false).describe('Whether to go on only when it is confirmed'),
          retry: z
            .strictObject({ times: z.int().min(1).max(10), after: wait.default(10_000) })
            .optional(),
          otherwise: afterwards
            .default('stop')
            .describe('When it stays without effect; vars.outcome says how it ended'),
        }),
      })
      .transform(({ command: given }) => typed('command')(given)),
  check({ twin, name, args, expect }, checker, place) {
    const at = [...place, 'command'];
    checker.template({ args, ...(expect && { expect }) }, [...at, 'args']);
    for (const kind of checker.targets(twin, [...at, 'twin'])) {
      if (checkCommandName(checker, kind, name, [...at, 'name']))
        checkBySchema(checker, kind.commands[name].args, args, [...at, 'args']);
    }
  },
  twins: ({ twin }) => [twin].flat(),
  influences: ({ twin, args }, place, twins) =>
    influencesOn(twin, args, [...place, 'command', 'args'], (id) => twins.get(id)?.kind),
  compile(action, place, assembler) {
    assembler.add(new Commanding(action, place));
  },
});

class Commanding implements Instruction {
  readonly place: Place;
  readonly word = 'command';
  readonly operands: readonly Operand[];
  readonly watches: readonly Watch[];
  readonly #action: CommandAction;
  readonly #values: Template;

  constructor(action: CommandAction, place: Place) {
    const { twin, name, args, expect } = action;
    this.place = place;
    this.#action = action;
    this.#values = parseTemplate({ twin, name, args, ...(expect && { expect }) });
    this.operands = operandsOf(this.#values);
    this.watches = this.#isAwaited ? watchesOf(action) : [];
  }

  execute(step: Step): Progress {
    return this.#send(step, 1);
  }

  timeIsUp(step: Step): void {
    const { waiting } = step.thread;
    if (waiting?.type === 'retry') this.#send(step, waiting.tries + 1);
  }

  commandEnded(step: Step, { status, error }: CommandOutcome): void {
    const { run, thread } = step;
    const { waiting } = thread;
    if (waiting?.type !== 'command') return;
    const { retry, name, otherwise } = this.#action;
    if (status === 'confirmed') {
      waiting.open--;
      if (waiting.open > 0) return;
    } else if (retry && waiting.tries <= retry.times) {
      const what = `${formatDuration(retry.after)}, to try again what ended as ${status}`;
      step.wait({ type: 'retry', tries: waiting.tries }, retry.after, what);
      return;
    } else if (otherwise === 'stop') {
      step.end('failed', `command "${name}" ended as ${status}${error ? `: ${error}` : ''}`);
      return;
    }
    run.vars.outcome = status;
    step.resume();
  }

  get #isAwaited(): boolean {
    return this.#action.wait || this.#action.retry !== undefined;
  }

  #send(step: Step, tries: number): Progress {
    const filled = step.fill(this.#values);
    if (!filled) return 'waits';
    const { run, thread, priority, isTrial } = step;
    const { ttl } = this.#action;
    const { twin, name, args, expect } = filled.value as JsonObject;
    const twins = twinsIn(twin);
    const ref = `${run.id}.${thread.id}.${thread.at}.${tries}`;
    step.ask(
      twins.map((to) => ({
        type: 'tell',
        to,
        event: {
          type: 'command.requested',
          name,
          args,
          ...(ttl !== undefined && { ttl }),
          ...(expect !== undefined && { expect }),
        },
        ref,
        ...claimed(priority),
      })),
    );
    step.done(described(this.#action, filled.value), filled.operands);
    if (!this.#isAwaited) return step.next();
    if (isTrial) {
      run.vars.outcome = 'confirmed';
      return step.next();
    }
    const waiting = { type: 'command' as const, ref, open: twins.length, tries };
    return step.wait(waiting, null, 'for the command to be confirmed');
  }
}

function watchesOf({ twin }: CommandAction): Watch[] {
  const twins = [twin].flat();
  // Named only when it runs: then it has to hear of all
  return twins.some(isOpen) ? [{ everyone: true }] : twins.map((id) => ({ twin: id }));
}
