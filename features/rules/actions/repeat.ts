/** Does the same again and again. */
import { z } from 'zod';
import { type Condition, conditions } from '../conditions/condition.ts';
import type { Place } from '../language/place.ts';
import { typed } from '../language/schemas.ts';
import { type Action, defineAction, type Instruction, type Progress, type Step } from './action.ts';
import { Branch, Jump } from './flow.ts';

interface RepeatAction extends Action {
  readonly type: 'repeat';
  readonly times?: number;
  readonly while?: Condition;
  readonly until?: Condition;
  /** It ends after so many rounds in any case. */
  readonly most: number;
  readonly do: Action[];
}

export const repeat = defineAction<RepeatAction>({
  type: 'repeat',
  schema: (actions) =>
    z
      .strictObject({
        repeat: z
          .strictObject({
            times: z.int().min(1).max(1_000).optional(),
            while: conditions.optional(),
            until: conditions.optional(),
            most: z
              .int()
              .min(1)
              .max(1_000)
              .default(100)
              .describe('It ends after so many rounds in any case'),
            do: actions,
          })
          .refine((given) => given.times ?? given.while ?? given.until, {
            message: 'give "times", "while" or "until"',
            path: ['times'],
          }),
      })
      .transform(({ repeat: given }) => typed('repeat')(given)),
  parts: {
    ...{ repeat: 'action', while: 'condition', until: 'condition', do: 'action' },
    ...{ times: 'plain', most: 'plain' },
  },
  check(action, checker, place) {
    const at = [...place, 'repeat'];
    if (action.while) checker.condition(action.while, [...at, 'while']);
    if (action.until) checker.condition(action.until, [...at, 'until']);
  },
  nested: (action) => [{ actions: action.do, place: ['repeat', 'do'] }],
  compile(action, place, assembler) {
    const begin = assembler.address;
    const round = assembler.add(new Round(place, action.times ?? action.most));
    const test = action.while && assembler.add(new Branch(place, action.while));
    assembler.compile(action.do, [...place, 'repeat', 'do']);
    // Back to the beginning, unless what ends it is true
    if (action.until) assembler.add(new Branch(place, action.until, begin));
    else assembler.add(new Jump(place, begin));
    round.exit = assembler.address;
    if (test) test.otherwise = assembler.address;
  },
});

/** Goes on so many times, and then to what comes after the loop. */
class Round implements Instruction {
  readonly operands = [];
  readonly place: Place;
  exit = 0;
  readonly #most: number;

  constructor(place: Place, most: number) {
    this.place = place;
    this.#most = most;
  }

  execute(step: Step): Progress {
    const { thread } = step;
    const key = String(thread.at);
    const rounds = (thread.rounds[key] ?? 0) + 1;
    thread.rounds[key] = rounds;
    return rounds > this.#most ? step.goTo(this.exit) : step.next();
  }
}
