/** Calls of services (Home Assistant says "actions") as what a rule does. */
import type { JsonObject } from '../../engine/kind.ts';
import type { Mapped } from './entities.ts';
import { Fields, listOf, type Part, plainText, type Spot, Untranslatable } from './part.ts';
import { type Call, INSTEAD } from './service-call.ts';
import { actionsFor, notification } from './service-effects.ts';
import { idsOf } from './state-triggers.ts';
import type { Translation } from './translation.ts';

const NOBODY = { type: 'map' as const, entries: new Map(), twice: [] };

/** @throws Untranslatable */
export function serviceActions(fields: Fields, translation: Translation): JsonObject[] {
  const named = fields.take('action', 'service', 'service_template');
  if (!named) throw new Untranslatable(fields.at, 'it names nothing to call', 'give "action"');
  const name = plainText(named, 'what is called');
  const [domain = '', service = ''] = name.split('.');
  const response = fields.take('response_variable');
  if (response)
    throw new Untranslatable(
      response.at,
      'an action gives no answer',
      'ask for a value of a twin instead',
    );
  fields.take('metadata');
  const whatever = fields.take('continue_on_error');
  if (whatever)
    translation.ignore(
      whatever.at,
      '"continue_on_error": what a twin refuses is a dead letter, and the run goes on',
    );
  const given = fields.take('data') ?? fields.take('data_template');
  fields.take('data_template');
  const data = new Fields(given ?? { ...NOBODY, at: fields.at }, 'the data');
  const call = { name, domain, service, at: named.at, data };
  const made = madeOf(call, fields, translation);
  data.finish(name);
  return made;
}

function madeOf(call: Call, fields: Fields, translation: Translation): JsonObject[] {
  const { name, domain, service, at } = call;
  if (domain === 'notify' || name === 'persistent_notification.create') {
    return [notification(call, fields, translation)];
  }
  const others = INSTEAD.get(name) ?? INSTEAD.get(domain);
  const targets = targetsOf(fields, call, translation);
  if (targets.length === 0) {
    throw new Untranslatable(
      at,
      `${name} has no counterpart`,
      others ?? 'let a twin of a kind of your own do it: { set: … } or { command: … }',
    );
  }
  const numbers = new Map<
    string,
    { twins: string[]; action: (twin: string | string[]) => JsonObject }
  >();
  // What is the same for several is done at once
  for (const { mapped, spot } of targets) {
    const twins = [...mapped.twins];
    for (const action of actionsFor(mapped, spot, call, service, domain, translation)) {
      const key = JSON.stringify(action(''));
      const same = numbers.get(key);
      if (same) same.twins.push(...twins.filter((twin) => !same.twins.includes(twin)));
      else numbers.set(key, { twins, action });
    }
  }
  return [...numbers.values()].map(({ twins, action }) => {
    const [only] = twins;
    return action(only !== undefined && twins.length === 1 ? only : twins);
  });
}

// ── whom it is for ───────────────────────────────────────────────────────────────────────────

interface Target {
  mapped: Mapped;
  spot: Spot;
}

function targetsOf(fields: Fields, call: Call, translation: Translation): Target[] {
  const places: Part[] = [];
  const inner = fields.take('target');
  const target = inner && new Fields(inner, 'the target');
  for (const part of [
    fields.take('entity_id'),
    target?.take('entity_id'),
    call.data.take('entity_id'),
  ]) {
    if (part) places.push(part);
  }
  // `script.some_script` and the like name what they are for themselves
  const targets = places.flatMap((part) =>
    idsOf(part).map(({ id, at }): Target => {
      if (id === 'all' || id === 'none') {
        throw new Untranslatable(at, `"${id}" names no entity`, 'name them, or use a scene');
      }
      return { mapped: translation.entity(id, at), spot: at };
    }),
  );
  for (const word of ['area', 'floor', 'label', 'device'] as const) {
    const part =
      target?.take(`${word}_id`) ?? fields.take(`${word}_id`) ?? call.data.take(`${word}_id`);
    for (const { id, at } of part ? idsOf(part) : []) {
      const entity = `${word}.${id}`;
      const mapped = translation.known(entity);
      if (!mapped) {
        throw new Untranslatable(
          at,
          `which entities the ${word} "${id}" has is known to Home Assistant only`,
          `name the twins in the file of entities:  ${entity}: { twin: [lamp, desk] }`,
        );
      }
      targets.push({ mapped, spot: at });
    }
  }
  target?.finish('the target');
  return targets;
}

export function deviceActions(fields: Fields, translation: Translation): JsonObject[] {
  const entity = fields.take('entity_id');
  const type = fields.take('type');
  const domain = fields.take('domain');
  const device = fields.take('device_id');
  const service = type ? plainText(type, 'the type') : '';
  if (!entity || !['turn_on', 'turn_off', 'toggle'].includes(service)) {
    throw new Untranslatable(
      type?.at ?? device?.at ?? fields.at,
      `what is done to the device ("${service}") is known to Home Assistant only`,
      'use { set: … } or { command: … } of its twin',
    );
  }
  const id = plainText(entity, 'the entity');
  const mapped = translation.entity(id, entity.at);
  const data = new Fields({ ...NOBODY, at: fields.at }, 'the data');
  const call = {
    name: `${domain ? plainText(domain, 'the domain') : mapped.domain}.${service}`,
    domain: '',
    service,
    at: fields.at,
    data,
  };
  const domainOf = domain ? plainText(domain, 'the domain') : mapped.domain;
  return actionsFor(mapped, entity.at, call, service, domainOf, translation).map((deed) =>
    deed(mapped.twins.length === 1 ? mapped.twin : [...mapped.twins]),
  );
}

/** `scene: scene.movie`. */
export function sceneAction(part: Part, translation: Translation): JsonObject[] {
  return listOf(part).map((one) => {
    const id = plainText(one, 'the scene');
    return { scene: translation.entity(id, one.at).twin };
  });
}
