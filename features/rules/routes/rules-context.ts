import type { Engine } from '../../../engine/index.ts';
import type { Access } from '../../contract/access.ts';
import type { Kits } from '../home/kits.ts';
import type { RuleWork } from '../work/rule-work.ts';

/** What the routes of the rules work with. */
export interface RulesContext {
  engine: Engine;
  /** Does what takes long. */
  work: RuleWork;
  kits: Kits;
  access: Pick<Access, 'hooks' | 'secrets'>;
}
