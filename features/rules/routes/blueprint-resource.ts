import { z } from 'zod';
import type { TwinReading } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import type { Context as BlueprintContext } from '../blueprints/blueprint.ts';
import { formOf } from '../blueprints/form.ts';
import type { BlueprintReading } from '../home/blueprints.ts';

const Briefly = z.object({
  home: z.string(),
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  revision: z.int().describe('Of the blueprint’s twin; also its ETag.'),
  edition: z.int().describe('How often it has been defined.'),
  inputs: AnyObject.describe('What it has to be given, as JSON Schema: for a form.'),
});

export const BlueprintListed = Briefly.meta({
  id: 'BlueprintListed',
  description: 'A blueprint in a list.',
});

export const Blueprint = Briefly.extend({
  source: z.string().nullable().describe('The text that it was made of; null: it came as data.'),
  definition: AnyObject.nullable(),
  rules: z
    .array(
      z.object({
        id: z.string(),
        edition: z.int(),
        behind: z.boolean().describe('It is of a former edition: PUT the blueprint again.'),
      }),
    )
    .describe('Rules that are made from it.'),
}).meta({
  id: 'Blueprint',
  description: 'A rule with inputs. It is also a twin, of kind `blueprint`.',
});

export function toListedBlueprint({ row }: TwinReading): z.input<typeof BlueprintListed> {
  const { definition, edition } = row.state.context as unknown as BlueprintContext;
  return {
    home: row.home,
    id: row.twin,
    name: definition?.name ?? row.name,
    description: definition?.description ?? null,
    revision: row.revision,
    edition,
    inputs: formOf(definition?.inputs ?? {}),
  };
}

export function toBlueprint({ reading, rules }: BlueprintReading): z.input<typeof Blueprint> {
  const { definition, source, edition } = reading.row.state.context as unknown as BlueprintContext;
  return {
    ...toListedBlueprint(reading),
    source,
    definition: definition as never,
    rules: rules.map(({ id, origin }) => ({
      id,
      edition: origin.edition,
      behind: origin.edition !== edition,
    })),
  };
}
