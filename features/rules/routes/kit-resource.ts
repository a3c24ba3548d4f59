import { z } from 'zod';
import type { TwinReading } from '../../../engine/index.ts';
import { AnyObject } from '../../contract/json-value.ts';
import { formOf } from '../blueprints/form.ts';
import { type KitReading, phaseOf } from '../home/kits.ts';
import type { Part } from '../kits/part.ts';
import { contextOf } from '../reading/kit-plan.ts';

const Briefly = z.object({
  home: z.string(),
  id: z.string(),
  name: z.string(),
  version: z.string().nullable(),
  description: z.string().nullable(),
  phase: z
    .enum(['empty', 'installing', 'installed', 'removing'])
    .describe('What is not finished goes on at the next start, or with the next PUT or DELETE.'),
  revision: z.int().describe('Of the kit’s twin; also its ETag.'),
});

export const KitListed = Briefly.meta({ id: 'KitListed', description: 'A kit in a list.' });

export const KitPart = z
  .object({
    id: z.string(),
    type: z.enum(['twin', 'blueprint', 'rule']),
    kind: z.string(),
  })
  .meta({ id: 'KitPart', description: 'What a kit brings: a twin of its home.' });

const InstalledPart = KitPart.extend({
  state: z
    .enum(['there', 'changed', 'missing', 'existing', 'left'])
    .describe(
      'As the kit gave it; changed since by somebody, so that newer versions let it be; not there; there before the kit, which will not remove it; no longer the kit’s, as somebody had changed it when a version came without it.',
    ),
}).meta({ id: 'InstalledPart', description: 'A part of a kit, and whether it is there.' });

export const Kit = Briefly.extend({
  source: z.string().nullable().describe('The text that it was made of; null: it came as data.'),
  definition: AnyObject.nullable(),
  inputs: AnyObject.describe('The values that it was installed with.'),
  form: AnyObject.describe('What it has to be given, as JSON Schema.'),
  parts: z.array(InstalledPart).describe('In the order in which they were made.'),
}).meta({
  id: 'Kit',
  description:
    'Twins, scenes, blueprints and rules that come and go together; a twin of kind `kit`.',
});

export function toListedKit(reading: TwinReading): z.input<typeof KitListed> {
  const { definition } = contextOf(reading);
  return {
    home: reading.row.home,
    id: reading.row.twin,
    name: definition?.name ?? reading.row.name,
    version: definition?.version ?? null,
    description: definition?.description ?? null,
    phase: phaseOf(reading) as z.input<typeof KitListed>['phase'],
    revision: reading.row.revision,
  };
}

export function toKit({ reading, parts }: KitReading): z.input<typeof Kit> {
  const { definition, source, inputs } = contextOf(reading);
  return {
    ...toListedKit(reading),
    source,
    definition: definition as never,
    inputs,
    form: formOf(definition?.inputs ?? {}),
    parts: parts.map(({ part, state }) => ({ ...toPart(part), state })),
  };
}

export function toPart({ id, given, former }: Part): z.input<typeof KitPart> {
  const gift = given ?? former;
  const type = gift?.type ?? 'twin';
  return { id, type, kind: gift?.type === 'twin' ? gift.kind : type };
}
