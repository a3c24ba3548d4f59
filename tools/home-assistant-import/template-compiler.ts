/** A template of Home Assistant as an expression: each term with its type, so that nothing is guessed. */
import { celPath, quoted } from './entities.ts';
import type { Binary, Node } from './jinja.ts';
import type { Spot } from './part.ts';
import { momentOf, TemplateReads } from './template-reads.ts';
import { literalTerm, noteNegation, notUnderstood, type Term } from './term.ts';
import { equals, NO_STATES, type Reading, type Translation } from './translation.ts';

export class Compiler {
  readonly #translation: Translation;
  readonly #at: Spot;
  readonly #reads: TemplateReads;
  /** Within a negation what is not known matters. */
  #negations = 0;

  constructor(translation: Translation, at: Spot) {
    this.#translation = translation;
    this.#at = at;
    this.#reads = new TemplateReads(translation, at);
  }

  truth(node: Node): string {
    return this.#truth(this.#term(node));
  }

  /** The value as text, as Home Assistant would show it. */
  shown(node: Node): string {
    const term = this.#term(node);
    switch (term.type) {
      case 'state':
        return shownState(term.cel, term.reading.values);
      case 'twin':
        this.#translation.assume(
          this.#at,
          'a name or id of an entity in a text becomes the id of the twin',
        );
        return term.cel;
      case 'list':
      case 'none':
        return this.#fail('a list or nothing cannot be shown', 'write it out');
      default:
        return term.cel;
    }
  }

  #fail(reason: string, instead?: string): never {
    return notUnderstood(this.#at, reason, instead);
  }

  #truth(term: Term): string {
    // Of a wait that was in vain nothing is kept
    if (term.type === 'any' && term.cel === 'vars.wait') return 'has(vars.wait)';
    if (term.type === 'bool' || term.type === 'any') return term.cel;
    return this.#fail(
      `a ${term.type === 'state' ? 'state' : term.type} is used as true or false`,
      "compare it, as in states('…') == 'on'",
    );
  }

  #term(node: Node): Term {
    switch (node.op) {
      case 'literal':
        return literalTerm(node.value);
      case 'list':
        return { type: 'list', items: node.items.map((item) => this.#term(item)) };
      case 'not': {
        this.#negations++;
        const cel = `!(${this.#truth(this.#term(node.of))})`;
        this.#negations--;
        return { type: 'bool', cel };
      }
      case 'minus':
        return { type: 'number', cel: `(0.0 - ${this.#number(this.#term(node.of))})` };
      case 'and':
      case 'or': {
        const sign = node.op === 'and' ? '&&' : '||';
        const cel = `(${this.#truth(this.#term(node.left))} ${sign} ${this.#truth(this.#term(node.right))})`;
        return { type: 'bool', cel };
      }
      case 'if': {
        const test = this.#truth(this.#term(node.test));
        const [a, b] = [this.#plain(node.then), this.#plain(node.else)];
        return {
          type: a.type === b.type ? a.type : 'any',
          cel: `(${test} ? ${a.cel} : ${b.cel})`,
        };
      }
      case '+':
      case '-':
      case '*':
      case '/':
        return {
          type: 'number',
          cel: `(${this.#number(this.#term(node.left))} ${node.op} ${this.#number(this.#term(node.right))})`,
        };
      case '~':
        return { type: 'text', cel: `(${this.#text(node.left)} + ${this.#text(node.right)})` };
      case 'in':
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return { type: 'bool', cel: this.#comparison(node.op, node.left, node.right) };
      case 'test':
        return this.#test(node.name, node.of);
      case 'filter':
        return this.#filter(node.name, node.of, node.arguments);
      case 'name':
      case 'get':
        return this.#reads.read(node);
      case 'call':
        return this.#call(node);
    }
  }

  /** The value in its own right, where the branches of a choice have to be of one kind. */
  #plain(node: Node): { type: 'bool' | 'number' | 'text' | 'any'; cel: string } {
    const term = this.#term(node);
    if (term.type === 'state')
      return { type: 'text', cel: shownState(term.cel, term.reading.values) };
    switch (term.type) {
      case 'id':
      case 'twin':
        return { type: 'text', cel: term.cel };
      case 'list':
      case 'none':
        return this.#fail('a list or nothing is no value here', 'write it out');
      default:
        return { type: term.type, cel: term.cel };
    }
  }

  #text(node: Node): string {
    const plain = this.#plain(node);
    return plain.type === 'text' ? plain.cel : `string(${plain.cel})`;
  }

  #number(term: Term): string {
    if (term.type === 'number') {
      // Whole numbers would be divided as such
      return typeof term.value === 'number' && Number.isInteger(term.value)
        ? `${term.value}.0`
        : term.cel;
    }
    if (term.type === 'any') return term.cel;
    return this.#fail(
      `a ${term.type === 'state' ? 'state' : term.type} is used as a number`,
      "say that it is one, as in states('…') | float",
    );
  }

  // ── comparisons ────────────────────────────────────────────────────────────────────────────

  #comparison(op: Binary, leftNode: Node, rightNode: Node): string {
    if (op === '!=') {
      this.#negations++;
      const cel = `!(${this.#comparison('==', leftNode, rightNode)})`;
      this.#negations--;
      return cel;
    }
    const [left, right] = [this.#term(leftNode), this.#term(rightNode)];
    if (op === 'in') {
      if (right.type !== 'list')
        return this.#fail('"in" is understood for lists only', 'write the list out');
      if (right.items.length === 0) return 'false';
      return `(${right.items.map((item) => this.#equal(left, item)).join(' || ')})`;
    }
    if (op === '==') return this.#equal(left, right);
    if (left.type === 'text' && right.type === 'text') return `(${left.cel} ${op} ${right.cel})`;
    return `${this.#number(left)} ${op} ${this.#number(right)}`;
  }

  #equal(left: Term, right: Term): string {
    if (left.type === 'none' || right.type === 'none') {
      const other = left.type === 'none' ? right : left;
      if (other.type === 'any' && /^(vars|trigger|twins)\b/.test(other.cel))
        return `!has(${other.cel})`;
      if (other.type === 'state') return `!has(${other.cel})`;
      return this.#fail('nothing is compared with something that is always there');
    }
    if (right.type === 'state' && left.type !== 'state') return this.#equal(right, left);
    if (left.type === 'state') {
      if (right.type === 'state') {
        if (JSON.stringify(left.reading.values) !== JSON.stringify(right.reading.values))
          return this.#fail('two states that are written differently are compared');
        return `${left.cel} == ${right.cel}`;
      }
      if (right.type === 'text' && typeof right.value === 'string')
        return this.#stateIs(left.cel, left.reading, right.value);
      return this.#fail(
        'a state is compared with something that is no fixed text',
        "write the state out, as in 'on'",
      );
    }
    if (right.type === 'id' || right.type === 'twin') return this.#equal(right, left);
    if (left.type === 'id' && right.type === 'text' && typeof right.value === 'string')
      return `trigger.id == ${quoted(this.#translation.idOf(right.value))}`;
    if (left.type === 'twin' && right.type === 'text' && typeof right.value === 'string')
      return `${left.cel} == ${quoted(this.#translation.entity(right.value, this.#at).twin)}`;
    if (left.type === 'list' || right.type === 'list' || left.type === 'twin' || left.type === 'id')
      return this.#fail('these two cannot be compared');
    if (left.type !== right.type && left.type !== 'any' && right.type !== 'any')
      return this.#fail(
        `a ${left.type} is compared with a ${right.type}`,
        'compare what is of one kind',
      );
    return `${left.cel} == ${right.cel}`;
  }

  #stateIs(cel: string, reading: Reading, state: string): string {
    if (NO_STATES.includes(state) && !Object.hasOwn(reading.values ?? {}, state)) {
      this.#translation.assume(
        this.#at,
        `"${state}" of ${reading.mapped.entity} is taken for a value that was never reported: a device that falls silent keeps its last one, and has the alert "offline"`,
      );
      return `!has(${cel})`;
    }
    const value = this.#translation.valueOf(reading, state, this.#at);
    if (this.#negations % 2 === 1) noteNegation(reading, this.#at, this.#translation);
    return equals(cel, value);
  }

  // ── tests, filters, functions ──────────────────────────────────────────────────────────────

  #test(name: string, of: Node): Term {
    if (name === 'none' || name === 'defined' || name === 'undefined') {
      const term = this.#term(of);
      if (term.type !== 'any' && term.type !== 'state')
        return this.#fail(`"is ${name}" is understood of variables and states only`);
      if (!/^(vars|trigger|twins)\b/.test(term.cel))
        return this.#fail(`"is ${name}" is not understood here`);
      return { type: 'bool', cel: `${name === 'defined' ? '' : '!'}has(${term.cel})` };
    }
    return this.#fail(`the test "is ${name}" has no counterpart`);
  }

  #filter(name: string, of: Node, more: Node[]): Term {
    const [first] = more;
    switch (name) {
      case 'float':
      case 'int':
        return this.#asNumber(name, this.#term(of), first);
      case 'round': {
        const value = this.#number(this.#term(of));
        if (!first) return { type: 'number', cel: `round(${value})` };
        const digits = this.#term(first);
        if (digits.type !== 'number' || typeof digits.value !== 'number' || more.length > 2)
          return this.#fail('how it is rounded is not understood', 'use round(digits)');
        const factor = 10 ** Math.max(0, Math.min(9, digits.value));
        return { type: 'number', cel: `(round(${value} * ${factor}.0) / ${factor}.0)` };
      }
      case 'abs':
        return { type: 'number', cel: `abs(${this.#number(this.#term(of))})` };
      case 'bool':
        return { type: 'bool', cel: this.#truth(this.#term(of)) };
      case 'string':
        return { type: 'text', cel: this.#text(of) };
      case 'default': {
        const term = this.#term(of);
        const instead = first && this.#term(first);
        if (
          term.type !== 'any' ||
          !instead ||
          !('cel' in instead) ||
          !/^(vars|trigger)\b/.test(term.cel)
        )
          return this.#fail('"default" is understood of variables only');
        return { type: 'any', cel: `(has(${term.cel}) ? ${term.cel} : ${instead.cel})` };
      }
      case 'is_number':
        return this.#isNumber(this.#term(of));
      case 'has_value':
        return this.#presence(of);
      default:
        return this.#fail(`the filter "${name}" has no counterpart`);
    }
  }

  #asNumber(name: string, term: Term, otherwise: Node | undefined): Term {
    if (term.type === 'number') {
      return name === 'float'
        ? term
        : { type: 'number', cel: `double(int(${this.#number(term)}))` };
    }
    if (
      term.type === 'text' ||
      term.type === 'bool' ||
      !('cel' in term) ||
      term.type === 'id' ||
      term.type === 'twin'
    )
      return this.#fail(`a ${term.type} is made a number`);
    if (
      term.type === 'state' &&
      Object.values(term.reading.values ?? {}).some((one) => typeof one !== 'number')
    )
      return this.#fail(`the states of ${term.reading.mapped.entity} are no numbers`);
    let { cel } = term;
    if (name === 'int') cel = `double(int(${cel}))`;
    if (otherwise === undefined) return { type: 'number', cel };
    const instead = this.#number(this.#term(otherwise));
    return { type: 'number', cel: `(has(${term.cel}) ? ${cel} : ${instead})` };
  }

  #isNumber(term: Term): Term {
    if (term.type === 'number') return { type: 'bool', cel: 'true' };
    if (term.type === 'state') return { type: 'bool', cel: `has(${term.cel})` };
    return this.#fail('"is_number" is understood of states only');
  }

  #presence(node: Node): Term {
    const entity = this.#literal(node, 'the entity');
    const { mapped, path } = this.#translation.reading(entity, null, this.#at);
    return { type: 'bool', cel: `has(${celPath(mapped.twin, path)})` };
  }

  #literal(node: Node | undefined, what: string): string {
    if (node?.op === 'literal' && typeof node.value === 'string') return node.value;
    return this.#fail(`${what} is only known when it runs`, 'name it in the text');
  }

  #call({ of, arguments: given }: Extract<Node, { op: 'call' }>): Term {
    const [first, second, third] = given;
    const moment = momentOf(of, given);
    if (moment) return { type: 'number', cel: moment };
    if (of.op !== 'name') return this.#fail('a method is called, and only functions are known');
    switch (of.name) {
      case 'states':
        return this.#reads.state(this.#literal(first, 'the entity'), null);
      case 'state_attr':
        return this.#reads.attribute(
          this.#literal(first, 'the entity'),
          this.#literal(second, 'the attribute'),
        );
      case 'is_state': {
        const term = this.#reads.state(this.#literal(first, 'the entity'), null);
        const wanted = second && this.#term(second);
        if (!wanted) return this.#fail('"is_state" does not say which state');
        const cel =
          wanted.type === 'list'
            ? `(${wanted.items.map((item) => this.#equal(term, item)).join(' || ') || 'false'})`
            : this.#equal(term, wanted);
        return { type: 'bool', cel };
      }
      case 'is_state_attr': {
        const term = this.#reads.attribute(
          this.#literal(first, 'the entity'),
          this.#literal(second, 'the attribute'),
        );
        const wanted = third && this.#term(third);
        if (!wanted) return this.#fail('"is_state_attr" does not say which value');
        return { type: 'bool', cel: this.#equal(term, wanted) };
      }
      case 'has_value':
        return this.#presence(first ?? { op: 'literal', value: null });
      case 'is_number':
        return this.#isNumber(first ? this.#term(first) : { type: 'none' });
      case 'float':
      case 'int':
        return this.#asNumber(of.name, first ? this.#term(first) : { type: 'none' }, second);
      case 'iif': {
        if (!first || !second || !third) return this.#fail('"iif" needs a test and both values');
        return this.#term({ op: 'if', test: first, then: second, else: third });
      }
      default:
        return this.#fail(`the function "${of.name}" has no counterpart`);
    }
  }
}

/** The twin's value as Home Assistant would call it. */
function shownState(cel: string, values: Reading['values']): string {
  const states = Object.entries(values ?? {});
  const last = states.at(-1);
  if (!last) return cel;
  return states
    .slice(0, -1)
    .reduceRight(
      (rest, [state, value]) => `(${equals(cel, value)} ? ${quoted(state)} : ${rest})`,
      quoted(last[0]),
    );
}
