import type { EventData } from '../../../engine/kind.ts';
import { describeKind } from '../../../twins/kinds.contract.ts';
import { blueprint } from './blueprint.ts';
import { readBlueprint } from './blueprint-text.ts';

const TEXTS = ['lamp', 'heater'].map(
  (id) => `blueprint: ${id}
inputs: { twin: { type: twin } }
rule: { triggers: [{ every: 1h }], actions: [{ set: { twin: !input twin, desired: { on: true } } }] }`,
);
const definitions = TEXTS.map((source) => {
  const { value, problems } = readBlueprint(source);
  if (!value) throw new Error(JSON.stringify(problems));
  return { type: 'blueprint.defined', definition: value, source } as unknown as EventData;
});

describeKind(blueprint, { 'blueprint.defined': (dice) => dice.oneOf(definitions) });
