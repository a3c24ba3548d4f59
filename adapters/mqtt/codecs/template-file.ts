import { readFile } from 'node:fs/promises';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../../../engine/index.ts';
import { variablesOf } from './template-text.ts';

const path = z.string().min(1, 'name a field of the payload, such as "metrics.temperature_c"');
const field = z.union(
  [path, z.strictObject({ path, scale: z.number().optional(), offset: z.number().optional() })],
  'write a field path, or {path, scale, offset}',
);
const pattern = z.string().min(1);

const template = z
  .strictObject({
    name: z.string().regex(/^[\w-]+$/, 'use letters, digits, "_" and "-"'),
    topic: pattern,
    home: pattern,
    twin: pattern,
    kind: pattern,
    /** Paths of the sender's time and id. */
    at: path.optional(),
    id: path.optional(),
    fields: z.record(z.string(), field).default({}),
    /** Takes every plain value of this object under its own name; `.` is the payload itself. */
    passthrough: path.optional(),
    status: z
      .strictObject({
        topic: pattern,
        online: z.string().default('online'),
        offline: z.string().default('offline'),
      })
      .optional(),
    commands: z
      .record(
        z.string(),
        z.strictObject({
          topic: pattern,
          payload: z.union([z.string(), z.record(z.string(), z.json())]),
        }),
      )
      .default({}),
  })
  .superRefine((value, context) => {
    const complain = (message: string, ...where: string[]) =>
      context.addIssue({ code: 'custom', message, path: where });
    if (Object.keys(value.fields).length === 0 && value.passthrough === undefined) {
      complain('write `fields:` (measurement: payload field) or `passthrough:`', 'fields');
    }
    for (const reserved of ['type', 'at', 'id']) {
      if (reserved in value.fields)
        complain(`"${reserved}" is no measurement; choose another name`, 'fields', reserved);
    }
    if (!/^([^{}+#/]+|\{\w+\})(\/([^{}+#/]+|\{\w+\}))*$/.test(value.topic)) {
      complain('each level is a plain text or one {variable}: "{site}/{device}/data"', 'topic');
    }
    const known = new Set(variablesOf(value.topic));
    const check = (text: string, ...where: string[]) => {
      for (const variable of variablesOf(text)) {
        if (!known.has(variable))
          complain(`{${variable}} does not occur in the topic "${value.topic}"`, ...where);
      }
    };
    check(value.home, 'home');
    check(value.twin, 'twin');
    if (value.status) {
      check(value.status.topic, 'status', 'topic');
      const lost = [...known].filter((variable) => !value.status?.topic.includes(`{${variable}}`));
      const needed = lost.filter((variable) =>
        `${value.home}${value.twin}`.includes(`{${variable}}`),
      );
      if (needed.length > 0)
        complain(
          `the status topic must contain {${needed.join('}, {')}}, or no twin is named`,
          'status',
          'topic',
        );
    }
    for (const [name, { topic }] of Object.entries(value.commands))
      check(topic, 'commands', name, 'topic');
  });

const file = z.strictObject({ templates: z.array(template).min(1, 'write at least one template') });

export type Template = z.infer<typeof template>;

/** @throws Error that names the file, the line and what to write, for all mistakes at once */
export async function loadTemplates(filename: string): Promise<Template[]> {
  let text: string;
  try {
    text = await readFile(filename, 'utf8');
  } catch (error) {
    throw new Error(`cannot read the template file ${filename}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return parseTemplates(text, filename);
}

/** @throws Error as {@link loadTemplates} */
export function parseTemplates(text: string, filename: string): Template[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) throw new Error(`${filename}: ${broken.message}`, { cause: broken });
  const read = file.safeParse(document.toJS());
  if (!read.success) {
    const complaints = read.error.issues.map((issue) => {
      const { path: where } = issue;
      const node = nearest(document.contents, where);
      const line = node?.range ? `:${lines.linePos(node.range[0]).line}` : '';
      return `${filename}${line}: ${where.join('.') || 'file'}: ${messageFor(issue)}`;
    });
    throw new Error(complaints.join('\n'));
  }
  const names = read.data.templates.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(
      `${filename}: two templates are named "${twice}"; a twin remembers its template by name`,
    );
  return read.data.templates;
}

function messageFor(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  return `nothing is known by the name ${issue.keys.join(', ')}; templates.example.yaml shows all there is`;
}

/** The node at the path, or the last one on the way to it that exists. */
function nearest(start: Node | null, where: readonly PropertyKey[]): Node | null {
  let at: Node | null = start;
  for (const key of where) {
    if (!isMap(at) && !isSeq(at)) break;
    const next = at.get(typeof key === 'symbol' ? String(key) : key, true);
    if (!isMap(next) && !isSeq(next) && !isScalar(next)) break;
    at = next;
  }
  return at;
}
