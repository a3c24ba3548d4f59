/**
 * What a rule is: the schema of what an author writes (input) and, as its output, the canonical form that is
 * stored and run: durations in ms, times of day in minutes, each trigger, condition and action with its `type`.
 */
import { z } from 'zod';
import { parseDuration } from './duration.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const twinName = z
  .string()
  .regex(NAME, 'a name is 1 to 64 letters, digits, ".", "_" or "-"');
const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration is written like 30s, 10m, 1h30m')
  .transform((text) => parseDuration(text) ?? 0)
  .describe('A duration such as 30s, 10m, 1h30m');
/** What waits: under a second it would be a loop, beyond a year a mistake. */
const wait = duration.refine((ms) => ms <= 366 * 86_400_000, 'a rule waits for a year at most');
const signedDuration = z
  .string()
  .refine(
    (text) => parseDuration(text.replace(/^[+-]/, '')) !== null,
    'an offset is written like -30m or 1h',
  )
  .transform(
    (text) => (text.startsWith('-') ? -1 : 1) * (parseDuration(text.replace(/^[+-]/, '')) ?? 0),
  )
  .describe('An offset such as -30m or 1h');
const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 07:30')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))
  .describe('A time of day such as 07:30, in the home’s timezone');
const weekdays = z
  .array(z.enum(WEEKDAYS))
  .min(1)
  .transform((days) => days.map((day) => WEEKDAYS.indexOf(day) + 1));
const expression = z.string().min(1).max(2_000).describe('A CEL expression');
const path = z
  .string()
  .regex(
    /^(state|reported|desired|settings|room|alerts)(\.[A-Za-z0-9_-]+){0,7}$/,
    'a path begins with state, reported, desired, settings, room or alerts, such as reported.temperature',
  )
  .transform((text) => text.split('.'))
  .describe('A value of a twin, such as reported.temperature');
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const oneOrMore = <T extends z.ZodType>(schema: T) =>
  z
    .union([schema, z.array(schema).min(1)])
    .transform((given) => (Array.isArray(given) ? given : [given]));

const id = z
  .string()
  .regex(KEY, 'an id is letters, digits and "_", beginning with a letter')
  .optional();
const selector = {
  twin: oneOrMore(twinName).optional().describe('One twin or several'),
  kind: twinName.optional().describe('All twins of a kind'),
  room: twinName.optional().describe('All twins in a room'),
};
type Selected = {
  twin?: string[] | undefined;
  kind?: string | undefined;
  room?: string | undefined;
};
const namesSomebody = (given: Selected) =>
  given.twin !== undefined || given.kind !== undefined || given.room !== undefined;
const WHOSE = { message: 'say whose: "twin", "kind" or "room"', path: ['twin'] };
const held = { id, for: wait.optional().describe('How long it has to stay so') };

/** Drops members that are undefined: the canonical form is JSON. */
function json<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as never;
}

const typed =
  <const T extends string>(type: T) =>
  <G extends object>(given: G) =>
    json({ type, ...given });

const trigger = z.union([
  z
    .strictObject({
      ...selector,
      path,
      from: oneOrMore(scalar).optional(),
      to: oneOrMore(scalar).optional(),
      not: oneOrMore(scalar).optional(),
      ...held,
    })
    .refine(namesSomebody, WHOSE)
    .transform(typed('state'))
    .describe('A value of a twin changes'),
  z
    .strictObject({
      ...selector,
      path,
      above: z.number().optional(),
      below: z.number().optional(),
      hysteresis: z
        .number()
        .positive()
        .optional()
        .describe('How far it has to come back before it may fire again'),
      ...held,
    })
    .refine(namesSomebody, WHOSE)
    .refine((given) => (given.above === undefined) !== (given.below === undefined), {
      message: 'give either "above" or "below"',
      path: ['above'],
    })
    .transform(typed('number'))
    .describe('A number crosses a limit'),
  z
    .strictObject({ event: z.string(), ...selector, where: expression.optional(), id })
    .refine(namesSomebody, WHOSE)
    .transform(typed('event'))
    .describe('A twin gets an event'),
  z
    .strictObject({
      alert: z.string().describe('The key of an alert, or * for any'),
      is: z.enum(['raised', 'acknowledged', 'cleared']).default('raised'),
      ...selector,
      id,
    })
    .transform(typed('alert'))
    .describe('An alert is raised, acknowledged or cleared'),
  z
    .strictObject({
      intent: z.enum(['acked', 'confirmed', 'failed', 'expired', 'superseded']),
      command: z.string().optional(),
      ...selector,
      id,
    })
    .transform(typed('intent'))
    .describe('What became of a command'),
  z
    .strictObject({
      cron: z.string().describe('minute hour day month weekday'),
      timezone: z.string().optional().describe('An IANA name; otherwise the home’s'),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('cron')),
  z
    .strictObject({
      at: oneOrMore(timeOfDay),
      weekdays: weekdays.optional(),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('time'))
    .describe('A time of day'),
  z
    .strictObject({ every: wait.refine((ms) => ms >= 1_000, 'at most once a second'), id })
    .transform(typed('every')),
  z
    .strictObject({
      sun: z.enum(['sunrise', 'sunset', 'dawn', 'dusk', 'solarNoon', 'nadir']),
      offset: signedDuration.optional(),
      skipIfLaterThan: wait.optional(),
      id,
    })
    .transform(typed('sun')),
  z
    .strictObject({ mode: oneOrMore(z.string()), from: oneOrMore(z.string()).optional(), ...held })
    .transform(typed('mode'))
    .describe('The home changes into a mode'),
  z
    .strictObject({
      webhook: z
        .string()
        .regex(KEY, 'a webhook’s name is letters, digits and "_", beginning with a letter')
        .describe('Its name, which ends its address'),
      where: expression.optional().describe('Such as trigger.body.button == 1'),
      id,
    })
    .transform(typed('webhook'))
    .describe('Somebody outside calls the webhook of the rule'),
  z
    .strictObject({ start: z.literal(true), id })
    .transform(typed('start'))
    .describe('The engine has started, once each time'),
  z
    .strictObject({
      mqtt: z
        .string()
        .min(1)
        .max(1_000)
        .regex(
          /^(?:[^+#\0/]*|\+)(?:\/(?:[^+#\0/]*|\+))*(?:(?:^|\/)#)?$/,
          '"+" stands for a whole level, "#" for all that follow at the end',
        )
        .describe(
          'A topic below {root}/{home}/messages/, or one that the operator lets the home hear; + and # as in MQTT',
        ),
      payload: scalar.optional().describe('The message has to be this'),
      where: expression.optional(),
      id,
    })
    .transform(typed('mqtt'))
    .describe('Somebody publishes a message'),
  z
    .strictObject({ when: expression, ...held })
    .transform(typed('when'))
    .describe('An expression becomes true'),
]);
export type Trigger = z.output<typeof trigger>;

export type Condition =
  | { type: 'cel'; expression: string }
  | { type: 'time'; after?: number; before?: number; weekdays?: number[] }
  | { type: 'mode'; mode: string[] }
  | { type: 'and' | 'or'; of: Condition[] }
  | { type: 'not'; of: Condition };
export type ConditionInput =
  | string
  | { after?: string | undefined; before?: string | undefined; weekdays?: string[] | undefined }
  | { mode: string | string[] }
  | { and: ConditionInput[] }
  | { or: ConditionInput[] }
  | { not: ConditionInput };

const condition: z.ZodType<Condition, ConditionInput> = z
  .union([
    expression.transform((text): Condition => ({ type: 'cel', expression: text })),
    z
      .strictObject({
        after: timeOfDay.optional(),
        before: timeOfDay.optional(),
        weekdays: weekdays.optional(),
      })
      .refine(({ after, before, weekdays: days }) => after ?? before ?? days, {
        message: 'give "after", "before", "weekdays" or several of them',
        path: ['after'],
      })
      .transform((given): Condition => json({ type: 'time' as const, ...given })),
    z
      .strictObject({ mode: oneOrMore(z.string()) })
      .transform((given): Condition => ({ type: 'mode', ...given })),
    z
      .strictObject({ and: z.array(z.lazy(() => condition)).min(1) })
      .transform(({ and }): Condition => ({ type: 'and', of: and })),
    z
      .strictObject({ or: z.array(z.lazy(() => condition)).min(1) })
      .transform(({ or }): Condition => ({ type: 'or', of: or })),
    z
      .strictObject({ not: z.lazy(() => condition) })
      .transform(({ not }): Condition => ({ type: 'not', of: not })),
  ])
  .meta({ id: 'Condition' }) as z.ZodType<Condition, ConditionInput>;

/** A value, or a text with `${…}` in which stand CEL expressions. */
const value = z.json().describe('A value; ${…} in a text is a CEL expression');
const fields = z.record(z.string(), value);
const target = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .describe('A twin or several; ${…} may name one');
const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** What the transport says itself, or what would change where a request goes. */
const OWN_HEADERS = [
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer'],
  ...['expect', 'keep-alive', 'idempotency-key', 'proxy-authorization', 'proxy-connection'],
];
const SECRET = /\$\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}/g;
const namesSecret = (text: string) => /\$\{\s*secrets\./.test(text);
const address = z
  .string()
  .max(2_000)
  .refine(
    isAddress,
    'an address begins with http:// or https:// and a host that no expression chooses, without name and password',
  )
  .describe('${…} may stand behind the host; what it says is percent-encoded');
function isAddress(url: string): boolean {
  const [constant = ''] = url.split('${');
  // Where an expression follows, the host has to have ended before
  const host =
    constant === url ? /^https?:\/\/[^/?#@\\\s]+(?=[/?]|$)/ : /^https?:\/\/[^/?#@\\\s]+[/?]/;
  return host.test(constant) && !/[\\\s]/.test(constant) && URL.canParse(constant);
}

const severity = z.enum(['info', 'warning', 'critical']);

export type Action =
  | {
      type: 'set';
      twin: string | string[];
      desired: Record<string, z.core.util.JSONType>;
      hold?: number;
      otherwise?: 'continue' | 'stop';
    }
  | { type: 'release'; twin: string | string[] }
  | {
      type: 'command';
      twin: string | string[];
      name: string;
      args: Record<string, z.core.util.JSONType>;
      ttl?: number;
      expect?: Record<string, z.core.util.JSONType>;
      wait: boolean;
      retry?: { times: number; after: number };
      otherwise: 'continue' | 'stop';
    }
  | {
      type: 'send';
      twin: string | string[];
      event: string;
      data: Record<string, z.core.util.JSONType>;
    }
  | { type: 'scene'; scene: string; transition?: number; revert: boolean }
  | { type: 'delay'; ms: number }
  | {
      type: 'wait';
      for: Trigger[];
      until?: string;
      timeout?: number;
      otherwise: 'continue' | 'stop';
    }
  | { type: 'if'; condition: Condition; then: Action[]; else: Action[] }
  | { type: 'choose'; branches: { when: Condition; do: Action[] }[]; otherwise: Action[] }
  | {
      type: 'repeat';
      times?: number;
      while?: Condition;
      until?: Condition;
      most: number;
      do: Action[];
    }
  | { type: 'parallel'; branches: Action[][] }
  | { type: 'let'; values: Record<string, z.core.util.JSONType> }
  | {
      type: 'notify';
      title: string;
      message: string;
      severity: 'info' | 'warning' | 'critical';
      data?: Record<string, z.core.util.JSONType>;
    }
  | {
      type: 'webhook';
      url: string;
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
      headers: Record<string, string>;
      /** Headers that name secrets, and no expression beside them. */
      secretHeaders?: Record<string, string>;
      body?: z.core.util.JSONType;
      timeout?: number;
      expect?: number[];
    }
  | { type: 'alert'; key: string; severity: 'info' | 'warning' | 'critical'; message: string }
  | { type: 'clear'; key: string }
  | { type: 'stop'; reason?: string };

const actions: z.ZodType<Action[]> = z.lazy(() => z.array(action).max(200)) as never;
const conditions = z.lazy(() => z.union([condition, z.array(condition).min(1)]).transform(allOf));
function allOf(given: Condition | Condition[]): Condition {
  if (!Array.isArray(given)) return given;
  const [only] = given;
  return only && given.length === 1 ? only : { type: 'and', of: given };
}

const action: z.ZodType<Action> = z
  .union([
    z
      .strictObject({
        set: z.strictObject({
          twin: target,
          desired: fields,
          hold: wait
            .optional()
            .describe(
              'How long others of the same or a lower priority are to keep off; then what they wanted counts',
            ),
          otherwise: z
            .enum(['continue', 'stop'])
            .optional()
            .describe('When somebody of a higher priority, or who holds it, wants something else'),
        }),
      })
      .transform(({ set }) => typed('set')(set)),
    z
      .strictObject({ release: target.describe('Twins that the rule holds') })
      .transform(({ release }) => typed('release')({ twin: release })),
    z
      .strictObject({
        command: z.strictObject({
          twin: target,
          name: z.string(),
          args: fields.default({}),
          ttl: wait.optional(),
          expect: fields.optional().describe('Reported values that confirm it'),
          wait: z.boolean().default(false).describe('Whether to go on only when it is confirmed'),
          retry: z
            .strictObject({ times: z.int().min(1).max(10), after: wait.default(10_000) })
            .optional(),
          otherwise: z
            .enum(['continue', 'stop'])
            .default('stop')
            .describe('When it stays without effect; vars.outcome says how it ended'),
        }),
      })
      .transform(({ command }) => typed('command')(command)),
    z
      .strictObject({
        send: z.strictObject({ twin: target, event: z.string(), data: fields.default({}) }),
      })
      .transform(({ send }) => typed('send')(send)),
    z
      .strictObject({
        scene: z.union([
          z.string().transform((scene) => ({ scene, transition: undefined, revert: false })),
          z.strictObject({
            scene: z.string(),
            transition: wait.optional(),
            revert: z.boolean().default(false),
          }),
        ]),
      })
      .transform(({ scene }) => typed('scene')(scene)),
    z.strictObject({ delay: wait }).transform(({ delay }) => typed('delay')({ ms: delay })),
    z
      .strictObject({
        wait: z
          .strictObject({
            for: oneOrMore(trigger).optional(),
            until: expression.optional(),
            timeout: wait.optional(),
            otherwise: z
              .enum(['continue', 'stop'])
              .default('continue')
              .describe('After the timeout'),
          })
          .refine((given) => given.for ?? given.until, {
            message: 'give "for" or "until"',
            path: ['for'],
          }),
      })
      .transform(({ wait: given }) => typed('wait')({ ...given, for: given.for ?? [] })),
    z
      .strictObject({ if: conditions, then: actions, else: actions.default([]) })
      .transform(({ if: test, ...rest }) => typed('if')({ condition: test, ...rest })),
    z
      .strictObject({
        choose: z.array(z.strictObject({ when: conditions, do: actions })).min(1),
        otherwise: actions.default([]),
      })
      .transform(({ choose, otherwise }) => typed('choose')({ branches: choose, otherwise })),
    z
      .strictObject({
        repeat: z
          .strictObject({
            times: z.int().min(1).max(1_000).optional(),
            while: conditions.optional(),
            until: conditions.optional(),
            most: z
              .int()
              .min(1)
              .max(1_000)
              .default(100)
              .describe('It ends after so many rounds in any case'),
            do: actions,
          })
          .refine((given) => given.times ?? given.while ?? given.until, {
            message: 'give "times", "while" or "until"',
            path: ['times'],
          }),
      })
      .transform(({ repeat }) => typed('repeat')(repeat)),
    z
      .strictObject({ parallel: z.array(actions).min(1).max(16) })
      .transform(({ parallel }) => typed('parallel')({ branches: parallel })),
    z
      .strictObject({ let: z.record(z.string().regex(KEY), value) })
      .transform((given) => typed('let')({ values: given.let })),
    z
      .strictObject({
        notify: z.strictObject({
          title: z.string(),
          message: z.string(),
          severity: severity.default('info'),
          data: fields.optional(),
        }),
      })
      .transform(({ notify }) => typed('notify')(notify)),
    z
      .strictObject({
        webhook: z
          .strictObject({
            url: address,
            method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE', 'GET']).default('POST'),
            headers: z
              .record(
                z
                  .string()
                  .regex(HEADER, 'is no name of a header')
                  .refine(
                    (name) => !OWN_HEADERS.includes(name.toLowerCase()),
                    'is a header that the request has of itself',
                  ),
                z
                  .string()
                  .max(4_000)
                  .refine(
                    (text) => !namesSecret(text) || !text.replaceAll(SECRET, '').includes('${'),
                    'a header with ${secrets.…} has no other expression, and a secret is named like ${secrets.token}',
                  ),
              )
              .default({})
              .describe('${secrets.name} in them is a secret of the home'),
            body: value.optional().describe('A text is sent as it is, anything else as JSON'),
            timeout: duration
              .refine((ms) => ms >= 1_000 && ms <= 30_000, 'a timeout is 1s to 30s')
              .optional()
              .describe('How long an answer may take; default 10s'),
            expect: oneOrMore(z.int().min(200).max(499))
              .optional()
              .describe('Statuses that mean that it was taken; default: 200 to 299'),
          })
          .refine(({ method, body }) => method !== 'GET' || body === undefined, {
            message: 'a GET has no body',
            path: ['body'],
          }),
      })
      .transform(({ webhook: { headers, ...rest } }) => {
        const all = Object.entries(headers);
        const secret = all.filter(([, text]) => namesSecret(text));
        return typed('webhook')({
          ...rest,
          headers: Object.fromEntries(all.filter(([, text]) => !namesSecret(text))),
          secretHeaders: secret.length > 0 ? Object.fromEntries(secret) : undefined,
        });
      }),
    z
      .strictObject({
        alert: z.strictObject({
          key: twinName,
          message: z.string(),
          severity: severity.default('warning'),
        }),
      })
      .transform(({ alert }) => typed('alert')(alert)),
    z.strictObject({ clear: twinName }).transform(({ clear }) => typed('clear')({ key: clear })),
    z
      .strictObject({ stop: z.union([z.literal(true), z.string()]) })
      .transform(({ stop }) => typed('stop')(stop === true ? {} : { reason: stop })),
  ])
  .meta({ id: 'Action' }) as never;

/** A rule as an author writes it; what comes out is its canonical form. */
export const definition = z
  .strictObject({
    rule: twinName.describe('The id of the rule, which is a twin of its home'),
    name: z.string().max(200).optional(),
    description: z.string().max(2_000).optional(),
    mode: z
      .enum(['single', 'restart', 'queued', 'parallel'])
      .default('single')
      .describe('What happens when it is triggered while it runs'),
    most: z
      .int()
      .min(1)
      .max(50)
      .default(10)
      .describe('Runs at once (parallel) or waiting (queued)'),
    key: expression.optional().describe('The mode counts for each value of this apart'),
    priority: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('Who prevails where two want different things of a twin; people have 50'),
    triggers: z.array(trigger).min(1).max(50),
    conditions: z.array(condition).default([]),
    actions: z.array(action).min(1).max(200),
  })
  .transform(json);
export type Definition = z.output<typeof definition>;
