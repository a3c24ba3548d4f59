/** Variables of the environment: their check, their default and what they mean. The guide and .env.example are made of them. */
import { z } from 'zod';

export type Variables = Readonly<Record<string, z.ZodType>>;
export type Values<V extends Variables> = { readonly [N in keyof V]: z.output<V[N]> };

/** Variables that belong together. */
export interface Configuration<V extends Variables = Variables> {
  /** The heading above them in the guide. */
  readonly title: string;
  readonly variables: V;
}

/** The values of these variables, from all that has been read. */
export function valuesOf<V extends Variables>(
  { variables }: Configuration<V>,
  read: Readonly<Record<string, unknown>>,
): Values<V> {
  const names = Object.keys(variables);
  return Object.fromEntries(names.map((name) => [name, read[name]])) as Values<V>;
}

/** `unset`: the default in words, where the value alone does not say it; `example`: a value to start from. */
interface Meaning {
  unset?: string;
  example?: string;
}

/** A variable with what it means. */
export function means<S extends z.ZodType>(
  description: string,
  schema: S,
  meaning: Meaning = {},
): S {
  return schema.meta({ description, ...meaning });
}

export const flag = (fallback: boolean) =>
  z
    .enum(['on', 'off', 'true', 'false', '1', '0'])
    .transform((text) => text === 'on' || text === 'true' || text === '1')
    .default(fallback);
/** 1 or more. */
export const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);
/** 0: any number. */
export const limit = (fallback: number) => z.coerce.number().int().min(0).default(fallback);
/** What stands between spaces or commas. */
export const listOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);
