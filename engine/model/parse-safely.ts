import { z } from 'zod';

/** The message, as V8 words it. */
const NOT_COMPARABLE = 'Cannot convert object to primitive value';

/**
 * `schema.safeParse` for what comes from outside. By itself zod 4 compares the `length` of whatever has one with the bounds of a
 * text or a list, also where it has found no text and no list, and throws for `{"length": {"toString": 1}}`.
 */
export function parseSafely<T extends z.ZodType>(
  schema: T,
  given: unknown,
): z.ZodSafeParseResult<z.output<T>> {
  try {
    return schema.safeParse(given);
  } catch (error) {
    if (!(error instanceof TypeError) || error.message !== NOT_COMPARABLE) throw error;
    const message = 'a "length" in here is an object, where a text or a list is expected';
    const issue: z.core.$ZodIssueCustom = { code: 'custom', path: [], message, input: given };
    return { success: false, error: new z.ZodError([issue]) as z.ZodError<z.output<T>> };
  }
}
