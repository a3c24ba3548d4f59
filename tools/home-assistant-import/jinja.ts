/** The part of Jinja that has an exact counterpart in CEL: a lexer, a parser, and nothing that runs. */
import { type Spot, Untranslatable } from './part.ts';

export type Node =
  | { op: 'literal'; value: string | number | boolean | null }
  | { op: 'name'; name: string }
  | { op: 'get'; of: Node; key: Node }
  | { op: 'call'; of: Node; arguments: Node[] }
  | { op: 'filter'; name: string; of: Node; arguments: Node[] }
  | { op: 'test'; name: string; of: Node }
  | { op: 'not' | 'minus'; of: Node }
  | { op: Binary; left: Node; right: Node }
  | { op: 'if'; test: Node; then: Node; else: Node }
  | { op: 'list'; items: Node[] };
export type Binary =
  | ('or' | 'and' | 'in')
  | ('==' | '!=' | '<' | '<=' | '>' | '>=')
  | ('+' | '-' | '~' | '*' | '/');

type Token = { type: 'name' | 'number' | 'string' | 'sign'; text: string };

const LEXEMES =
  /\s*(?:([A-Za-z_]\w*)|(\d+(?:\.\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(==|!=|<=|>=|\/\/|\*\*|[-+*/%~<>=|().,:[\]{}]))/y;
const MAX_DEPTH = 40;
const MAX_TEXT = 4_000;
const SIMPLER = 'write it as a CEL expression by hand';

/** Texts and expressions of a template, in turn. @throws Untranslatable */
export function partsOfTemplate(text: string, at: Spot): (string | Node)[] {
  if (text.length > MAX_TEXT) throw new Untranslatable(at, 'the template is very long', SIMPLER);
  const parts: (string | Node)[] = [];
  let rest = text;
  for (;;) {
    const begin = rest.search(/\{[{%#]/);
    if (begin < 0) break;
    const kind = rest[begin + 1];
    if (kind === '%') {
      throw new Untranslatable(
        at,
        `the template has a statement: ${rest.slice(begin, begin + 40)}`,
        'use "choose" or "variables" for what it decides, or a single {{ … if … else … }}',
      );
    }
    const end = endOf(rest, begin + 2, kind === '{' ? '}}' : '#}');
    if (end < 0) {
      throw new Untranslatable(
        at,
        `the template has no end: ${rest.slice(begin, begin + 40)}`,
        'mend it',
      );
    }
    if (begin > 0)
      parts.push(
        rest.slice(0, begin).replace(/\s+$/, (space) => (rest[begin + 2] === '-' ? '' : space)),
      );
    const inner = rest.slice(begin + 2, end);
    if (kind === '{') parts.push(parse(inner.replace(/^-/, '').replace(/-$/, ''), at));
    rest = rest.slice(end + 2);
    if (inner.endsWith('-')) rest = rest.trimStart();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}

/** Where a `}}` stands that is in no string. */
function endOf(text: string, from: number, end: string): number {
  let quote: string | null = null;
  for (let at = from; at < text.length; at++) {
    const sign = text[at];
    if (quote !== null) {
      if (sign === '\\') at++;
      else if (sign === quote) quote = null;
    } else if (end === '}}' && (sign === '"' || sign === "'")) quote = sign;
    else if (text.startsWith(end, at)) return at;
  }
  return -1;
}

function parse(text: string, at: Spot): Node {
  const parser = new Parser(tokensOf(text, at), text.trim(), at);
  const node = parser.expression();
  parser.end();
  return node;
}

function tokensOf(text: string, at: Spot): Token[] {
  const tokens: Token[] = [];
  LEXEMES.lastIndex = 0;
  let from = 0;
  while (text.slice(from).trim() !== '') {
    LEXEMES.lastIndex = from;
    const found = LEXEMES.exec(text);
    if (!found) {
      throw new Untranslatable(
        at,
        `"${text.slice(from).trim().slice(0, 20)}" of the template is not understood`,
        SIMPLER,
      );
    }
    const [, name, number, string, sign] = found;
    if (name !== undefined) tokens.push({ type: 'name', text: name });
    else if (number !== undefined) tokens.push({ type: 'number', text: number });
    else if (string !== undefined) tokens.push({ type: 'string', text: unquoted(string) });
    else tokens.push({ type: 'sign', text: sign ?? '' });
    from = LEXEMES.lastIndex;
  }
  return tokens;
}

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replaceAll(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign === 't' ? '\t' : sign));
}

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const LITERALS: Record<string, boolean | null> = {
  ...{ true: true, True: true, false: false, False: false },
  ...{ none: null, None: null },
};

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  readonly #spot: Spot;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], text: string, spot: Spot) {
    this.#tokens = tokens;
    this.#text = text;
    this.#spot = spot;
  }

  end(): void {
    const token = this.#tokens[this.#at];
    if (token) this.#fail(token);
  }

  expression(): Node {
    if (++this.#depth > MAX_DEPTH) {
      throw new Untranslatable(this.#spot, 'the template is nested too deeply', SIMPLER);
    }
    const then = this.#or();
    let node = then;
    if (this.#takes('if')) {
      const test = this.#or();
      this.#expects('else');
      node = { op: 'if', test, then, else: this.expression() };
    }
    this.#depth--;
    return node;
  }

  #or(): Node {
    let left = this.#and();
    while (this.#takes('or')) left = { op: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Node {
    let left = this.#not();
    while (this.#takes('and')) left = { op: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Node {
    if (!this.#takes('not')) return this.#compare();
    this.#deeper();
    const node: Node = { op: 'not', of: this.#not() };
    this.#depth--;
    return node;
  }

  #compare(): Node {
    const left = this.#sum();
    const token = this.#tokens[this.#at];
    let node = left;
    if (token?.type === 'sign' && COMPARISONS.includes(token.text)) {
      this.#at++;
      node = { op: token.text as Binary, left, right: this.#sum() };
    } else if (this.#takes('in')) node = { op: 'in', left, right: this.#sum() };
    else if (this.#isNext('not') && this.#tokens[this.#at + 1]?.text === 'in') {
      this.#at += 2;
      node = { op: 'not', of: { op: 'in', left, right: this.#sum() } };
    }
    const next = this.#tokens[this.#at];
    if (node !== left && next?.type === 'sign' && COMPARISONS.includes(next.text)) this.#fail(next);
    return node;
  }

  #sum(): Node {
    let left = this.#concat();
    for (;;) {
      if (this.#takes('+')) left = { op: '+', left, right: this.#concat() };
      else if (this.#takes('-')) left = { op: '-', left, right: this.#concat() };
      else return left;
    }
  }

  #concat(): Node {
    let left = this.#product();
    while (this.#takes('~')) left = { op: '~', left, right: this.#product() };
    return left;
  }

  #product(): Node {
    let left = this.#unary();
    for (;;) {
      if (this.#takes('*')) left = { op: '*', left, right: this.#unary() };
      else if (this.#takes('/')) left = { op: '/', left, right: this.#unary() };
      else return left;
    }
  }

  #unary(): Node {
    if (!this.#takes('-')) return this.#postfix(this.#primary());
    this.#deeper();
    const node: Node = { op: 'minus', of: this.#unary() };
    this.#depth--;
    return node;
  }

  #postfix(first: Node): Node {
    let node = first;
    for (;;) {
      if (this.#takes('.')) node = { op: 'get', of: node, key: this.#key() };
      else if (this.#takes('[')) {
        node = { op: 'get', of: node, key: this.expression() };
        this.#expects(']');
      } else if (this.#takes('(')) {
        node = { op: 'call', of: node, arguments: this.#list(')') };
      } else if (this.#takes('|')) {
        const name = this.#name();
        node = {
          ...{ op: 'filter' as const, name, of: node },
          arguments: this.#takes('(') ? this.#list(')') : [],
        };
      } else if (this.#takes('is')) {
        const isNegated = this.#takes('not');
        const test: Node = { op: 'test', name: this.#name(), of: node };
        node = isNegated ? { op: 'not', of: test } : test;
      } else return node;
    }
  }

  #primary(): Node {
    const token = this.#tokens[this.#at];
    if (!token)
      throw new Untranslatable(
        this.#spot,
        `the template ends too early: ${this.#shown()}`,
        'mend it',
      );
    this.#at++;
    switch (token.type) {
      case 'number':
        return { op: 'literal', value: Number(token.text) };
      case 'string':
        return { op: 'literal', value: token.text };
      case 'name':
        return Object.hasOwn(LITERALS, token.text)
          ? { op: 'literal', value: LITERALS[token.text] ?? null }
          : { op: 'name', name: token.text };
      case 'sign': {
        if (token.text === '[') return { op: 'list', items: this.#list(']') };
        if (token.text !== '(') return this.#fail(token);
        const node = this.expression();
        if (this.#takes(',')) return { op: 'list', items: [node, ...this.#list(')')] };
        this.#expects(')');
        return node;
      }
    }
  }

  #list(end: string): Node[] {
    const items: Node[] = [];
    while (!this.#takes(end)) {
      // A name before `=` is that of an argument: float(default=0)
      if (this.#tokens[this.#at]?.type === 'name' && this.#tokens[this.#at + 1]?.text === '=')
        this.#at += 2;
      items.push(this.expression());
      if (!this.#takes(',') && !this.#isNext(end)) this.#expects(end);
    }
    return items;
  }

  #key(): Node {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'name' && token?.type !== 'number') return this.#fail(token);
    this.#at++;
    return { op: 'literal', value: token.text };
  }

  #name(): string {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'name') return this.#fail(token);
    this.#at++;
    return token.text;
  }

  #isNext(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.text === text && (token.type === 'sign' || token.type === 'name');
  }

  #takes(text: string): boolean {
    if (!this.#isNext(text)) return false;
    this.#at++;
    return true;
  }

  #expects(text: string): void {
    if (!this.#takes(text)) this.#fail(this.#tokens[this.#at]);
  }

  #deeper(): void {
    if (++this.#depth > MAX_DEPTH) {
      throw new Untranslatable(this.#spot, 'the template is nested too deeply', SIMPLER);
    }
  }

  #fail(token: Token | undefined): never {
    const where = token ? `"${token.text}"` : 'the end';
    throw new Untranslatable(
      this.#spot,
      `${where} of the template is not understood: ${this.#shown()}`,
      SIMPLER,
    );
  }

  #shown(): string {
    return `{{ ${this.#text.slice(0, 80)} }}`;
  }
}
