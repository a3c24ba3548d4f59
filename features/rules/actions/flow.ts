/** Where a thread goes next: what the actions that hold others are compiled to. */
import type { Condition } from '../conditions/condition.ts';
import { operandsOfTest, readyTest, type Test } from '../conditions/test.ts';
import type { Operand } from '../expressions/expression.ts';
import type { Place } from '../language/place.ts';
import type { Action, Assembler, Instruction, Progress, Step } from './action.ts';

/** Goes to an address. */
export class Jump implements Instruction {
  readonly operands = [];
  readonly place: Place;
  to: number;

  constructor(place: Place, to = 0) {
    this.place = place;
    this.to = to;
  }

  execute(step: Step): Progress {
    return step.goTo(this.to);
  }
}

/** Goes on where a condition is true, and to an address where it is not. */
export class Branch implements Instruction {
  readonly place: Place;
  readonly operands: readonly Operand[];
  otherwise: number;
  readonly #test: Test;

  constructor(place: Place, condition: Condition, otherwise = 0) {
    this.place = place;
    this.#test = readyTest(condition);
    this.operands = operandsOfTest(this.#test);
    this.otherwise = otherwise;
  }

  execute(step: Step): Progress {
    return step.judge(this.#test) ? step.next() : step.goTo(this.otherwise);
  }
}

interface Body {
  actions: readonly Action[];
  place: Place;
}

/** The first of several whose condition is true, or the last resort. */
export function compileChoice(
  branches: readonly (Body & { when: Condition })[],
  otherwise: Body,
  place: Place,
  assembler: Assembler,
): void {
  const ends: Jump[] = [];
  for (const branch of branches) {
    const test = assembler.add(new Branch(place, branch.when));
    assembler.compile(branch.actions, branch.place);
    ends.push(assembler.add(new Jump(place)));
    test.otherwise = assembler.address;
  }
  assembler.compile(otherwise.actions, otherwise.place);
  for (const end of ends) end.to = assembler.address;
}
