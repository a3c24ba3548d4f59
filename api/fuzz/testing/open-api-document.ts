import { createRequire } from 'node:module';
import addFormats from 'ajv-formats';
import type { JsonSchema } from '../../../adapters/mqtt/testing/json-of-schema.ts';

type Ajv = Parameters<typeof addFormats.default>[0];
type Check = ReturnType<Ajv['compile']>;

interface Media {
  schema?: JsonSchema;
}
export interface Operation {
  operationId: string;
  method: string;
  /** The path with its parameters in braces. */
  path: string;
  parameters?: {
    in: 'path' | 'query' | 'header';
    name: string;
    required?: boolean;
    schema: JsonSchema;
  }[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<
    string,
    { content?: Record<string, Media>; headers?: Record<string, { schema: JsonSchema }> }
  >;
}

interface Document {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  components: { schemas: Record<string, JsonSchema> };
}

export interface GivenAnswer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

const NAME = 'openapi.json';

/**
 * The document as its reader has it: operations to try, and an oracle that is not of our making.
 * Ajv shares no code with the zod schemas that wrote the document and that the server checks with.
 */
export class OpenApiDocument {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  readonly #ajv: Ajv;
  #checks = new Map<string, Check>();

  constructor(given: unknown) {
    const document = given as Document;
    this.schemas = document.components.schemas;
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, rest]) => ({
        ...rest,
        method: method.toUpperCase(),
        path,
      })),
    );
    this.#ajv = newAjv();
    // The document as a whole is no schema, so it is not checked as one; its references resolve
    this.#ajv.addSchema(given as object, NAME, undefined, false);
  }

  resolve = (ref: string): JsonSchema => {
    const found = this.schemas[ref.replace('#/components/schemas/', '')];
    if (!found) throw new Error(`the document has no ${ref}`);
    return found;
  };

  /** What is wrong with a schema as JSON Schema 2020-12; null: nothing. */
  flawOfSchema(schema: JsonSchema): string | null {
    return this.#ajv.validateSchema(schema) ? null : this.#ajv.errorsText(this.#ajv.errors);
  }

  /** Whether the document allows this body; null when it says nothing about such bodies. */
  allowsBody({ method, path, requestBody }: Operation, type: string, body: unknown) {
    if (!requestBody?.content[type]?.schema) return null;
    return this.#check(pointer(path, method, 'requestBody', 'content', type, 'schema'))(body);
  }

  /** Says how the answer differs from those that the document names; null: it does not. */
  flawOf({ method, path, responses }: Operation, answer: GivenAnswer, head = false): string | null {
    const { status, headers, text } = answer;
    const described = responses[status];
    if (!described) return `status ${status} is not described: ${text.slice(0, 500)}`;
    for (const [name, { schema }] of Object.entries(described.headers ?? {})) {
      const given = headers[name];
      if (given === undefined) return `${status} lacks the header ${name}`;
      if (schema.type === 'integer' && !/^\d+$/.test(String(given))) return `${name}: ${given}`;
    }
    if (head) return text === '' ? null : 'a HEAD with a body';
    if (!described.content) return text === '' ? null : `${status} has a body`;
    const type = String(headers['content-type'] ?? '').split(';')[0] as string;
    const media = described.content[type];
    if (!media) return `${status} comes as "${type}"`;
    if (!media.schema || !type.endsWith('json')) return null;
    const at = pointer(path, method, 'responses', String(status), 'content', type, 'schema');
    const check = this.#check(at);
    if (check(JSON.parse(text))) return null;
    return `${status}: ${this.#ajv.errorsText(check.errors ?? null)} in ${text.slice(0, 800)}`;
  }

  #check(at: string): Check {
    const known = this.#checks.get(at);
    if (known) return known;
    const made = this.#ajv.compile({ $ref: `${NAME}#${at}` });
    this.#checks.set(at, made);
    return made;
  }
}

function pointer(path: string, method: string, ...rest: string[]): string {
  const steps = ['paths', path, method.toLowerCase(), ...rest];
  return steps
    .map((step) => `/${encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');
}

/** A dependency of ajv-formats and not of ours, so it is resolved from there. */
const AJV_2020 = 'ajv/dist/2020.js';

/** At the top of node_modules lies an older Ajv, for ESLint; ajv-formats brings the one that it fits. */
function newAjv(): Ajv {
  const require = createRequire(import.meta.resolve('ajv-formats'));
  const { Ajv2020 } = require(AJV_2020) as {
    Ajv2020: new (options: object) => Ajv;
  };
  // OpenAPI puts members of its own beside those of JSON Schema
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  return ajv;
}
