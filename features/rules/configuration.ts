import { z } from 'zod';
import { means } from '../contract/configuration.ts';

export const rulesConfiguration = {
  title: 'Rules',
  variables: {
    RULES_HELD_AFTER_CRASHES: means(
      'After so many starts within five minutes that did not end cleanly, the rules of all homes are held back. 0: never. RULES_AT_START says otherwise.',
      z.coerce.number().int().min(0).max(20).default(3),
    ),
    RULES_AT_START: means(
      '`held`: the rules of all homes are held back in any case, as by `start --without-rules`. `running`: in none, as by `start --with-rules`.',
      z.enum(['held', 'running']).optional(),
      { unset: 'as RULES_HELD_AFTER_CRASHES says' },
    ),
    RULE_WORK_SECONDS: means(
      'Seconds that one backtest, explanation or check of a rule may take, in a thread beside the server’s (at most 50; the busier the server, the more of them the thread rests).',
      z.coerce.number().min(1).max(50).default(30),
    ),
    RULE_WORK_MEMORY_MB: means(
      'Megabytes of memory of each of these threads.',
      z.coerce.number().int().min(64).default(256),
    ),
  },
};
