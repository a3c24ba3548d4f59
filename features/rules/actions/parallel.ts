/** Does several things beside each other, and goes on when all are done. */
import { z } from 'zod';
import type { Place } from '../language/place.ts';
import { typed } from '../language/schemas.ts';
import type { Thread } from '../model/memory.ts';
import { type Action, defineAction, type Instruction, type Progress, type Step } from './action.ts';
import { Jump } from './flow.ts';

interface ParallelAction extends Action {
  readonly type: 'parallel';
  readonly branches: Action[][];
}

export const parallel = defineAction<ParallelAction>({
  type: 'parallel',
  schema: (actions) =>
    z
      .strictObject({ parallel: z.array(actions).min(1).max(16) })
      .transform(({ parallel: branches }) => typed('parallel')({ branches })),
  parts: { parallel: 'action' },
  nested: ({ branches }) => branches.map((actions, at) => ({ actions, place: ['parallel', at] })),
  compile({ branches }, place, assembler) {
    const fork = assembler.add(new Fork(place));
    const ends: Jump[] = [];
    for (const [at, branch] of branches.entries()) {
      fork.branches.push(assembler.address);
      assembler.compile(branch, [...place, 'parallel', at]);
      ends.push(assembler.add(new Jump(place)));
    }
    for (const end of ends) end.to = assembler.address;
    assembler.add({ place, operands: [], execute: join });
  },
});

/** Replaces the thread that comes to it by one per branch. */
class Fork implements Instruction {
  readonly operands = [];
  readonly place: Place;
  readonly branches: number[] = [];

  constructor(place: Place) {
    this.place = place;
  }

  execute(step: Step): Progress {
    const { run, thread } = step;
    const { at: fork } = thread;
    run.threads = run.threads.filter((other) => other !== thread);
    run.forks[String(fork)] = {
      left: this.branches.length,
      parent: thread.fork,
      rounds: thread.rounds,
    };
    const made = this.branches.map(
      (at): Thread => ({ id: run.nextThread++, at, rounds: {}, fork }),
    );
    run.threads.push(...made);
    for (const branch of made) step.follow(branch);
    return 'waits';
  }
}

/** The last thread of a fork that comes to it goes on as the one that was before. */
function join(step: Step): Progress {
  const { run, thread } = step;
  run.threads = run.threads.filter((other) => other !== thread);
  const fork = run.forks[String(thread.fork)];
  if (!fork) return 'waits';
  fork.left--;
  if (fork.left > 0) return 'waits';
  delete run.forks[String(thread.fork)];
  const after: Thread = {
    id: run.nextThread++,
    at: thread.at + 1,
    rounds: fork.rounds,
    fork: fork.parent,
  };
  run.threads.push(after);
  step.follow(after);
  return 'waits';
}
