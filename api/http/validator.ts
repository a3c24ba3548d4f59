import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { parseSafely } from '../../engine/index.ts';

/** Like the validator of `fastify-type-provider-zod`, but for what makes zod throw. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (given) => {
    const parsed = parseSafely(schema, given);
    if (parsed.success) return { value: parsed.data };
    return {
      error: parsed.error.issues.map(({ code, path, message }) => ({
        ...{ keyword: code, message, params: {} },
        ...{ instancePath: `/${path.join('/')}`, schemaPath: `#/${path.join('/')}/${code}` },
      })),
    };
  };
