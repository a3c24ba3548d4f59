import { guardText, type StateNode, type Trigger, transitionsOf } from './state-chart.ts';

const INDENT = '  ';

/**
 * A machine as a Mermaid `stateDiagram-v2`. It shows what changes the state: events with their
 * guards, delays, and eventless transitions. Actions, and events that only act, are left out.
 */
export function toMermaid(root: StateNode): string {
  const diagram = new Diagram();
  return ['stateDiagram-v2', ...diagram.drawState(root, 1)].join('\n');
}

class Diagram {
  /** Mermaid ids by XState id. */
  #ids = new Map<string, string>();
  #taken = new Set<string>();

  drawState(node: StateNode, depth: number): string[] {
    const pad = INDENT.repeat(depth);
    const declaration = `${pad}state "${escapeName(nameOf(node))}" as ${this.#idOf(node)}`;
    const children = Object.values(node.states) as StateNode[];
    if (children.length === 0) return [declaration];
    return [`${declaration} {`, ...this.#drawInside(node, children, depth + 1), `${pad}}`];
  }

  #drawInside(node: StateNode, children: readonly StateNode[], depth: number): string[] {
    const pad = INDENT.repeat(depth);
    const regions = children.map((child) => this.drawState(child, depth));
    const lines =
      node.type === 'parallel'
        ? regions.flatMap((region, at) => (at === 0 ? region : [`${pad}--`, ...region]))
        : regions.flat();
    const initial = node.type === 'compound' ? node.initial.target[0] : undefined;
    return [
      ...(initial ? [`${pad}[*] --> ${this.#idOf(initial as StateNode)}`] : []),
      ...lines,
      ...children
        .filter((child) => child.type === 'final')
        .map((child) => `${pad}${this.#idOf(child)} --> [*]`),
      ...this.#edgesAmong(node).map((edge) => `${pad}${edge}`),
    ];
  }

  /**
   * The transitions whose ends meet in this state. Mermaid draws edges between siblings only, so an
   * edge from or to a state deeper down begins or ends at its ancestor here and says where it leads.
   */
  #edgesAmong(parent: StateNode): string[] {
    const edges: string[] = [];
    for (const source of descendantsOf(parent)) {
      for (const { trigger, transition } of transitionsOf(source)) {
        for (const target of transition.target ?? []) {
          if (meetingPoint(source, target) !== parent) continue;
          const from = childTowards(parent, source);
          const to = childTowards(parent, target);
          const detour = to === target ? '' : ` → ${pathBelow(to, target)}`;
          const origin = from === source ? '' : `${pathBelow(from, source)}, `;
          const label = `${origin}${labelOf(trigger, transition.guard)}${detour}`;
          edges.push(`${this.#idOf(from)} --> ${this.#idOf(to)}: ${escapeLabel(label)}`);
        }
      }
    }
    return edges;
  }

  #idOf(node: StateNode): string {
    const known = this.#ids.get(node.id);
    if (known !== undefined) return known;
    // The prefix keeps clear of Mermaid's words: state, end, note, direction …
    const wished = `s_${node.id.replace(/\W/g, '_')}`;
    let id = wished;
    for (let n = 2; this.#taken.has(id); n++) id = `${wished}_${n}`;
    this.#taken.add(id);
    this.#ids.set(node.id, id);
    return id;
  }
}

function nameOf(node: StateNode): string {
  return node.type === 'history' ? `${node.key} (history)` : node.key;
}

function labelOf(trigger: Trigger, guard: unknown): string {
  const condition = guard === undefined ? '' : `[${guardText(guard)}]`;
  switch (trigger.type) {
    case 'event':
      return `${trigger.event} ${condition}`.trim();
    case 'after':
      return `after ${/^\d+$/.test(trigger.delay) ? `${trigger.delay} ms` : trigger.delay} ${condition}`.trim();
    case 'done':
      return `done ${condition}`.trim();
    case 'always':
      return condition === '' ? 'always' : condition;
  }
}

function* descendantsOf(node: StateNode): Generator<StateNode> {
  for (const child of Object.values(node.states) as StateNode[]) {
    yield child;
    yield* descendantsOf(child);
  }
}

function ancestorsOf(node: StateNode): StateNode[] {
  const above: StateNode[] = [];
  for (let parent = node.parent; parent; parent = parent.parent) above.push(parent);
  return above;
}

/** The innermost state that holds both ends. */
function meetingPoint(source: StateNode, target: StateNode): StateNode | undefined {
  const above = new Set(ancestorsOf(target));
  return ancestorsOf(source).find((node) => above.has(node));
}

function childTowards(parent: StateNode, node: StateNode): StateNode {
  return [node, ...ancestorsOf(node)].find((step) => step.parent === parent) ?? node;
}

function pathBelow(top: StateNode, node: StateNode): string {
  return node.path.slice(top.path.length).join('.');
}

/** Within the quotes of a state's name. */
function escapeName(text: string): string {
  return text.replaceAll('"', "'").replaceAll('\n', ' ');
}

/** A label ends at a line, a colon or a semicolon; Mermaid knows them as entities too. */
function escapeLabel(text: string): string {
  const entities: Record<string, string> = { '#': '#35;', ':': '#58;', ';': '#59;' };
  return text.replace(/[#:;]/g, (character) => entities[character] ?? '').replaceAll('\n', ' ');
}
