/** A rule's definition made ready to run: expressions parsed, actions as a flat list of instructions. */
import type { Json, JsonObject, Read, Watch } from '../../../engine/kind.ts';
import { type Expression, type Operand, parseExpression } from '../expressions/expression.ts';
import { parseTemplate, type Template } from '../expressions/template.ts';
import type { Action, Condition, Definition, Trigger } from '../language/definition.ts';
import type { Place } from '../language/source.ts';

/** The twin that knows a home's mode and place. */
export const HOME_TWIN = 'home';

export type Test =
  | { type: 'cel'; expression: Expression }
  | { type: 'time'; after?: number; before?: number; weekdays?: readonly number[] }
  | { type: 'mode'; mode: readonly string[] }
  | { type: 'and' | 'or'; of: readonly Test[] }
  | { type: 'not'; of: Test };

export interface ReadyTrigger {
  trigger: Trigger;
  index: number;
  id: string;
  /** `where` or `when`. */
  expression: Expression | null;
}

type Deed = Extract<
  Action,
  { type: 'set' | 'release' | 'send' | 'scene' | 'notify' | 'webhook' | 'alert' | 'clear' }
>;
export type Instruction = { place: Place } & (
  | { op: 'do'; action: Deed; values: Template }
  | { op: 'command'; action: Extract<Action, { type: 'command' }>; values: Template }
  | { op: 'delay'; ms: number }
  | {
      op: 'wait';
      triggers: readonly ReadyTrigger[];
      until: Expression | null;
      timeout: number | null;
      otherwise: 'continue' | 'stop';
    }
  | { op: 'test'; test: Test; otherwise: number }
  | { op: 'jump'; to: number }
  /** Goes on at most `most` times, then leads to `exit`. */
  | { op: 'round'; most: number; exit: number }
  | { op: 'fork'; branches: readonly number[] }
  | { op: 'join' }
  | { op: 'let'; values: Template }
  | { op: 'stop'; reason: string | null }
);

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
  const instructions: Instruction[] = [];
  emit(definition.actions, ['actions'], instructions);
  const operands = [
    ...triggers.flatMap(({ expression }) => expression?.operands ?? []),
    ...conditions.flatMap(operandsOfTest),
    ...(key?.operands ?? []),
    ...instructions.flatMap(operandsOf),
  ];
  const reads = readsOf(operands);
  if (usesMode(conditions, instructions))
    reads.push({ twin: HOME_TWIN, path: ['reported', 'mode'] });
  if (hearsSun({ triggers, instructions })) {
    reads.push({ twin: HOME_TWIN, path: ['settings'] });
  }
  return {
    definition,
    triggers,
    conditions,
    key,
    instructions,
    reads: unique(reads),
    watches: unique(watchesOf(triggers, instructions)),
    readsAfter: unique(
      operands
        .filter(({ root, path }) => root === 'trigger' && path[0] === 'after')
        .map(({ path }) => path.slice(1)),
    ),
  };
}

function readyTrigger(trigger: Trigger, index: number): ReadyTrigger {
  const text = 'when' in trigger ? trigger.when : 'where' in trigger ? trigger.where : undefined;
  return {
    trigger,
    index,
    id: trigger.id ?? trigger.type,
    expression: text === undefined ? null : parseExpression(text),
  };
}

function readyTest(condition: Condition): Test {
  switch (condition.type) {
    case 'cel':
      return { type: 'cel', expression: parseExpression(condition.expression) };
    case 'and':
    case 'or':
      return { type: condition.type, of: condition.of.map(readyTest) };
    case 'not':
      return { type: 'not', of: readyTest(condition.of) };
    case 'time':
    case 'mode':
      return condition;
  }
}

function emit(actions: readonly Action[], place: Place, into: Instruction[]): void {
  for (const [index, action] of actions.entries()) emitOne(action, [...place, index], into);
}

function emitOne(action: Action, place: Place, into: Instruction[]): void {
  switch (action.type) {
    case 'command': {
      const { twin, name, args, expect } = action;
      const values = { twin, name, args, ...(expect && { expect }) };
      into.push({ op: 'command', place, action, values: parseTemplate(values as Json) });
      return;
    }
    case 'delay':
      into.push({ op: 'delay', place, ms: action.ms });
      return;
    case 'wait':
      into.push({
        op: 'wait',
        place,
        triggers: action.for.map(readyTrigger),
        until: action.until === undefined ? null : parseExpression(action.until),
        timeout: action.timeout ?? null,
        otherwise: action.otherwise,
      });
      return;
    case 'if':
      emitChoice(
        [{ when: action.condition, do: action.then, place: [...place, 'then'] }],
        { actions: action.else, place: [...place, 'else'] },
        place,
        into,
      );
      return;
    case 'choose':
      emitChoice(
        action.branches.map((branch, at) => ({ ...branch, place: [...place, 'choose', at, 'do'] })),
        { actions: action.otherwise, place: [...place, 'otherwise'] },
        place,
        into,
      );
      return;
    case 'repeat': {
      const begin = into.length;
      const round = { op: 'round' as const, place, most: action.times ?? action.most, exit: 0 };
      into.push(round);
      const test = action.while && {
        op: 'test' as const,
        place,
        test: readyTest(action.while),
        otherwise: 0,
      };
      if (test) into.push(test);
      emit(action.do, [...place, 'repeat', 'do'], into);
      // Back to the beginning, unless what ends it is true
      if (action.until) {
        into.push({ op: 'test', place, test: readyTest(action.until), otherwise: begin });
      } else into.push({ op: 'jump', place, to: begin });
      round.exit = into.length;
      if (test) test.otherwise = into.length;
      return;
    }
    case 'parallel': {
      const branches: number[] = [];
      into.push({ op: 'fork', place, branches });
      const jumps: { op: 'jump'; place: Place; to: number }[] = [];
      for (const [at, branch] of action.branches.entries()) {
        branches.push(into.length);
        emit(branch, [...place, 'parallel', at], into);
        const jump = { op: 'jump' as const, place, to: 0 };
        jumps.push(jump);
        into.push(jump);
      }
      for (const jump of jumps) jump.to = into.length;
      into.push({ op: 'join', place });
      return;
    }
    case 'let':
      into.push({ op: 'let', place, values: parseTemplate(action.values) });
      return;
    case 'stop':
      into.push({ op: 'stop', place, reason: action.reason ?? null });
      return;
    case 'webhook':
      into.push({ op: 'do', place, action, values: webhookTemplate(action) });
      return;
    default: {
      const { type: _type, ...values } = action;
      // How it ends is for the program to know
      if ('otherwise' in values) delete values.otherwise;
      into.push({ op: 'do', place, action, values: parseTemplate(values as JsonObject) });
    }
  }
}

/** What of a webhook is filled in: its address in a way that cannot change where it leads, and no secrets. */
function webhookTemplate({ url, headers, body }: Extract<Action, { type: 'webhook' }>): Template {
  const address = parseTemplate(url, encodeURIComponent);
  const rest = parseTemplate({ headers, ...(body !== undefined && { body }) } as JsonObject);
  return {
    expressions: [...address.expressions, ...rest.expressions],
    fill(scope) {
      const [one, other] = [address.fill(scope), rest.fill(scope)];
      const operands = [...one.operands, ...other.operands];
      if (!one.ok || !other.ok) return { ...(one.ok ? other : one), operands };
      return { ok: true, value: { url: one.value, ...(other.value as JsonObject) }, operands };
    },
  };
}

function emitChoice(
  branches: readonly { when: Condition; do: readonly Action[]; place: Place }[],
  otherwise: { actions: readonly Action[]; place: Place },
  place: Place,
  into: Instruction[],
): void {
  const jumps: { op: 'jump'; place: Place; to: number }[] = [];
  for (const branch of branches) {
    const test = { op: 'test' as const, place, test: readyTest(branch.when), otherwise: 0 };
    into.push(test);
    emit(branch.do, branch.place, into);
    const jump = { op: 'jump' as const, place, to: 0 };
    jumps.push(jump);
    into.push(jump);
    test.otherwise = into.length;
  }
  emit(otherwise.actions, otherwise.place, into);
  for (const jump of jumps) jump.to = into.length;
}

function operandsOfTest(test: Test): readonly Operand[] {
  switch (test.type) {
    case 'cel':
      return test.expression.operands;
    case 'and':
    case 'or':
      return test.of.flatMap(operandsOfTest);
    case 'not':
      return operandsOfTest(test.of);
    default:
      return [];
  }
}

function operandsOf(instruction: Instruction): readonly Operand[] {
  switch (instruction.op) {
    case 'do':
    case 'command':
    case 'let':
      return instruction.values.expressions.flatMap(({ operands }) => operands);
    case 'test':
      return operandsOfTest(instruction.test);
    case 'wait':
      return [
        ...(instruction.until?.operands ?? []),
        ...instruction.triggers.flatMap(({ expression }) => expression?.operands ?? []),
      ];
    default:
      return [];
  }
}

/** What of other twins goes with each event of the rule. */
function readsOf(operands: readonly Operand[]): Read[] {
  return operands.flatMap(({ root, path }): Read[] => {
    const [twin, ...rest] = path;
    if (root === 'home') return [{ twin: HOME_TWIN, path: ['reported', ...path] }];
    return root === 'twins' && twin !== undefined && rest.length > 0 ? [{ twin, path: rest }] : [];
  });
}

function usesMode(conditions: readonly Test[], instructions: readonly Instruction[]): boolean {
  const asks = (test: Test): boolean =>
    test.type === 'mode' ||
    (test.type === 'not' ? asks(test.of) : 'of' in test && (test.of as readonly Test[]).some(asks));
  return conditions.some(asks) || instructions.some((one) => one.op === 'test' && asks(one.test));
}

function watchesOf(
  triggers: readonly ReadyTrigger[],
  instructions: readonly Instruction[],
): Watch[] {
  return [
    ...triggers.flatMap(watchesOfTrigger),
    ...instructions.flatMap((one): Watch[] => {
      if (one.op === 'wait') {
        return [
          ...one.triggers.flatMap(watchesOfTrigger),
          ...readsOf(one.until?.operands ?? []).map(({ twin }) => ({ twin })),
        ];
      }
      if (one.op !== 'command' || !isAwaited(one.action)) return [];
      const twins = [one.action.twin].flat();
      // Named only when it runs: then it has to hear of all
      return twins.some((twin) => twin.includes('${'))
        ? [{ everyone: true }]
        : twins.map((twin) => ({ twin }));
    }),
  ];
}

/** Names of the webhooks that a rule can be called by. */
export function webhooksOf(definition: Definition): string[] {
  const names = heard(programOf(definition)).flatMap(({ trigger }) =>
    trigger.type === 'webhook' ? [trigger.webhook] : [],
  );
  return [...new Set(names)];
}

/** Whether a rule wants to hear that the engine has started. */
export function hearsStart(definition: Definition): boolean {
  return heard(programOf(definition)).some(({ trigger }) => trigger.type === 'start');
}

/** Whether the place of the home matters to a rule. */
export function hearsSun(program: Pick<Program, 'triggers' | 'instructions'>): boolean {
  return heard(program).some(({ trigger }) => trigger.type === 'sun');
}

/** Its own triggers, and those that its runs wait for. */
function heard({
  triggers,
  instructions,
}: Pick<Program, 'triggers' | 'instructions'>): ReadyTrigger[] {
  return [...triggers, ...instructions.flatMap((one) => (one.op === 'wait' ? one.triggers : []))];
}

export function isAwaited({ wait, retry }: { wait: boolean; retry?: unknown }): boolean {
  return wait || retry !== undefined;
}

function watchesOfTrigger({ trigger, expression }: ReadyTrigger): Watch[] {
  switch (trigger.type) {
    case 'state':
    case 'number':
    case 'event':
    case 'alert':
    case 'intent': {
      if (trigger.twin) return trigger.twin.map((twin) => ({ twin }));
      if (trigger.room !== undefined) return [{ room: trigger.room }];
      return trigger.kind === undefined ? [{ everyone: true }] : [{ kind: trigger.kind }];
    }
    case 'mode':
    case 'sun':
    case 'mqtt':
      return [{ twin: HOME_TWIN }];
    case 'when':
      return readsOf(expression?.operands ?? []).map(({ twin }) => ({ twin }));
    default:
      return [];
  }
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
}
