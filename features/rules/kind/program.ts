/** A rule's definition made ready to run: expressions parsed, actions as a flat list of instructions. */
import type { Read, Watch } from '../../../engine/kind.ts';
import type { Assembler, Instruction } from '../actions/action.ts';
import { type Action, typeOf as typeOfAction } from '../actions/index.ts';
import { operandsOfTest, readyTest, type Test } from '../conditions/test.ts';
import { type Expression, parseExpression } from '../expressions/expression.ts';
import type { Place } from '../language/place.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { readsOf } from '../model/reads.ts';
import type { Definition } from '../rule-definition.ts';
import { type ReadyTrigger, readyTrigger, typeOf, watchesOf } from '../triggers/index.ts';
import { isStart } from '../triggers/start.ts';
import { isWebhook } from '../triggers/webhook.ts';

export interface Program {
  definition: Definition;
  triggers: readonly ReadyTrigger[];
  conditions: readonly Test[];
  key: Expression | null;
  instructions: readonly Instruction[];
  reads: readonly Read[];
  watches: readonly Watch[];
  /** What of the triggering twin's aspect its expressions read, as `trigger.after.…`. */
  readsAfter: readonly (readonly string[])[];
  /** The place of the home matters to it. */
  needsPlace: boolean;
}

const programs = new WeakMap<Definition, Program>();

/**
 * The program of a definition; made once.
 * @throws ExpressionError for a definition that was never checked
 */
export function programOf(definition: Definition): Program {
  let program = programs.get(definition);
  if (!program) {
    program = compile(definition);
    programs.set(definition, program);
  }
  return program;
}

function compile(definition: Definition): Program {
  const triggers = definition.triggers.map(readyTrigger);
  const conditions = definition.conditions.map(readyTest);
  const key = definition.key === undefined ? null : parseExpression(definition.key);
  const assembly = new Assembly();
  assembly.compile(definition.actions, ['actions']);
  const { instructions } = assembly;
  const operands = [
    ...triggers.flatMap(({ expression }) => expression?.operands ?? []),
    ...conditions.flatMap(operandsOfTest),
    ...(key?.operands ?? []),
    ...instructions.flatMap((instruction) => instruction.operands),
  ];
  const needsPlace = heard({ triggers, instructions }).some(
    (one) => typeOf(one.trigger).needsPlace,
  );
  const place: Read[] = needsPlace ? [{ twin: HOME_TWIN, path: ['settings'] }] : [];
  return {
    definition,
    triggers,
    conditions,
    key,
    instructions,
    reads: unique([...readsOf(operands), ...place]),
    watches: unique([
      ...triggers.flatMap(watchesOf),
      ...instructions.flatMap(({ watches = [] }) => watches),
    ]),
    readsAfter: unique(
      operands
        .filter(({ root, path }) => root === 'trigger' && path[0] === 'after')
        .map(({ path }) => path.slice(1)),
    ),
    needsPlace,
  };
}

class Assembly implements Assembler {
  readonly instructions: Instruction[] = [];

  get address(): number {
    return this.instructions.length;
  }

  add<I extends Instruction>(instruction: I): I {
    this.instructions.push(instruction);
    return instruction;
  }

  compile(actions: readonly Action[], place: Place): void {
    for (const [at, action] of actions.entries())
      typeOfAction(action).compile(action, [...place, at], this);
  }
}

/** Names of the webhooks that a rule can be called by. */
export function webhooksOf(definition: Definition): string[] {
  const names = heard(programOf(definition)).flatMap(({ trigger }) =>
    isWebhook(trigger) ? [trigger.webhook] : [],
  );
  return [...new Set(names)];
}

/** Whether a rule wants to hear that the engine has started. */
export function hearsStart(definition: Definition): boolean {
  return heard(programOf(definition)).some(({ trigger }) => isStart(trigger));
}

/** Its own triggers, and those that its runs wait for. */
function heard({
  triggers,
  instructions,
}: Pick<Program, 'triggers' | 'instructions'>): ReadyTrigger[] {
  return [...triggers, ...instructions.flatMap(({ awaits }) => awaits?.triggers ?? [])];
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
}
