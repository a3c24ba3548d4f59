/** A rule that is set off too often says so, until it runs again. */
import type { RuleTurn } from './rule-turn.ts';

const STORM = 'rule-storm';

export function stormBegins({ memory, moment, effects }: RuleTurn): void {
  memory.stormSince = moment.now;
  effects.push({
    type: 'alert',
    key: STORM,
    severity: 'warning',
    state: 'raised',
    message:
      'set off too often: after 60 runs at once it runs once a second. See what triggers it.',
  });
}

export function stormIsOver({ memory, effects }: RuleTurn): void {
  memory.stormSince = null;
  effects.push({
    type: 'alert',
    key: STORM,
    severity: 'warning',
    state: 'cleared',
    message: 'runs when it is triggered again',
  });
}
