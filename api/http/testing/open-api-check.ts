import type { LightMyRequestResponse } from 'fastify';
import { z } from 'zod';

interface Operation {
  operationId?: string;
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}
type Paths = Record<string, Record<string, Operation>>;

/** Holds answers against the OpenAPI document that the server itself gives out. */
export class OpenApiCheck {
  readonly #paths: Paths;
  readonly #schemas: Record<string, object>;
  #compiled = new Map<string, z.ZodType>();

  constructor(document: unknown) {
    const { paths, components } = document as {
      paths: Paths;
      components: { schemas: Record<string, object> };
    };
    this.#paths = paths;
    this.#schemas = components.schemas;
  }

  /** @throws when the document does not describe such an answer to such a request */
  assertDescribed(method: string, url: string, answer: LightMyRequestResponse): void {
    const found = this.#operation(method, url);
    if (!found) {
      if ([401, 404, 400, 414].includes(answer.statusCode)) return;
      throw new Error(`${method} ${url} is not in the OpenAPI document`);
    }
    const where = `${found.operationId} → ${answer.statusCode}`;
    const response = found.responses[answer.statusCode];
    if (!response) throw new Error(`${where} is not described: ${answer.payload}`);
    const type = String(answer.headers['content-type'] ?? '').split(';')[0] as string;
    if (!response.content) {
      if (answer.payload !== '') throw new Error(`${where} has a body`);
      return;
    }
    const media = response.content[type];
    if (!media) throw new Error(`${where}: "${type}" is not described`);
    if (!type.endsWith('json') || !media.schema) return;
    const checked = this.#compile(where, media.schema).safeParse(JSON.parse(answer.payload));
    if (!checked.success) throw new Error(`${where}: ${z.prettifyError(checked.error)}`);
  }

  #operation(method: string, url: string): Operation | null {
    const path = url.split('?')[0] as string;
    for (const [template, operations] of Object.entries(this.#paths)) {
      const pattern = new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`);
      const operation = operations[method.toLowerCase()];
      if (operation && pattern.test(path)) return operation;
    }
    return null;
  }

  #compile(where: string, schema: object): z.ZodType {
    const known = this.#compiled.get(where);
    if (known) return known;
    const whole = JSON.stringify({ ...schema, $defs: this.#schemas });
    const local = JSON.parse(
      whole.replaceAll('#/components/schemas/', '#/$defs/'),
    ) as z.core.JSONSchema.JSONSchema;
    const compiled = z.fromJSONSchema(local);
    this.#compiled.set(where, compiled);
    return compiled;
  }
}
