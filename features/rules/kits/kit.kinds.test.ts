import type { Dice } from '../../../engine/authoring/dice.ts';
import type { EventData } from '../../../engine/kind.ts';
import { describeKind } from '../../../twins/kinds.contract.ts';
import { kit } from './kit.ts';

const definition = { kit: 'bath', version: '1', twins: { fan: { kind: 'relay' } } };
const parts = (dice: Dice) =>
  ['fan', 'lamp', 'bath-light'].slice(0, dice.between(0, 3)).map((id) => ({
    id,
    given: { type: 'twin', kind: 'relay', settings: { autoOffMs: dice.between(1, 9) } },
    ...(dice.oneIn(3) && { kept: true }),
  }));

describeKind(kit, {
  'kit.wanted': (dice): EventData => ({
    ...{ type: 'kit.wanted', definition, source: null, inputs: { n: dice.between(1, 9) } },
    parts: parts(dice),
  }),
  'kit.installed': (dice): EventData => ({ type: 'kit.installed', parts: parts(dice) }),
});
