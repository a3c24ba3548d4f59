/** Somebody publishes a message that the home hears. */
import { z } from 'zod';
import type { Json } from '../../../engine/kind.ts';
import { shown } from '../language/languages.ts';
import { expression, id, scalar, typed } from '../language/schemas.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { fires, firingOf, isWhere, same, show } from './looking.ts';
import { defineTrigger, type Trigger } from './trigger.ts';

interface MqttTrigger extends Trigger {
  readonly type: 'mqtt';
  /** A topic filter. */
  readonly mqtt: string;
  readonly payload?: Json;
  readonly where?: string;
}

const FILTER = /^(?:[^+#\0/]*|\+)(?:\/(?:[^+#\0/]*|\+))*(?:(?:^|\/)#)?$/;

export const mqtt = defineTrigger<MqttTrigger>({
  type: 'mqtt',
  schema: z
    .strictObject({
      mqtt: z
        .string()
        .min(1)
        .max(1_000)
        .regex(FILTER, '"+" stands for a whole level, "#" for all that follow at the end')
        .describe(
          'A topic below {root}/{home}/messages/, or one that the operator lets the home hear; + and # as in MQTT',
        ),
      payload: scalar.optional().describe('The message has to be this'),
      where: expression.optional(),
      id,
    })
    .transform(typed('mqtt'))
    .describe('Somebody publishes a message'),
  parts: { where: 'condition' },
  text: ({ where }) => where,
  check(trigger, checker, place) {
    if (!checker.home.twins.has(HOME_TWIN)) {
      const message = `the home has no twin "${HOME_TWIN}", so it hears no messages`;
      checker.say(message, [...place, 'mqtt']);
    }
    checker.where(trigger, place);
  },
  watches: () => [{ twin: HOME_TWIN }],
  move(ready, _memory, input, miss) {
    const { trigger, index } = ready;
    const { seen, budget } = input;
    const { type, topic, body = null } = seen.event;
    if (seen.twin !== HOME_TWIN || type !== 'message' || typeof topic !== 'string') return null;
    if (!topicMatches(trigger.mqtt, topic)) return null;
    if (trigger.payload !== undefined && !same(trigger.payload, body, budget))
      return miss(() => `${topic} said ${show(body)}, which is not what it waits for`, body);
    const hit = firingOf(ready, input, { topic, body });
    return isWhere(ready, hit, input, miss) ? fires(String(index), hit) : null;
  },
  words: {
    en: ({ topic, body }) => `a message came: ${topic} ${shown(body)}`,
    de: ({ topic, body }) => `eine Nachricht kam: ${topic} ${shown(body)}`,
  },
});

/** Whether a topic matches a filter of MQTT: `+` is a level, `#` at the end all that follow, and the level above. */
function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const given = topic.split('/');
  const isOpen = wanted.at(-1) === '#';
  const levels = isOpen ? wanted.slice(0, -1) : wanted;
  if (isOpen ? given.length < levels.length : given.length !== levels.length) return false;
  return levels.every((level, at) => level === '+' || level === given[at]);
}
