/** Calls of services (Home Assistant says "actions") as what a rule does. */
import type { Json, JsonObject } from '../../engine/kind.ts';
import { celPath, literal, type Mapped, wishOf } from './entities.ts';
import { durationOf } from './moments.ts';
import { Fields, listOf, type Part, plainText, type Spot, textOf, Untranslatable } from './part.ts';
import { valueOfPart, valueOfTemplate } from './templates.ts';
import type { Translation } from './translation.ts';
import { idsOf } from './triggers.ts';

/** What was called, with what for. */
interface Call {
  name: string;
  domain: string;
  service: string;
  at: Spot;
  data: Fields;
}

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

const PUT_IN = 'put the actions of the script in its place: a rule has no scripts';
const NO_DEVICE =
  'let a twin of a kind of your own stand for it, and say what the action makes it want, as "set" of the entity in the file of entities';
const INSTEAD = new Map<string, string>(
  Object.entries({
    script: PUT_IN,
    python_script: PUT_IN,
    pyscript: PUT_IN,
    mqtt: 'let a twin stand for the device, with a codec that knows its topics: then { set: … } or { command: … }',
    rest_command: 'let a twin stand for it, or a program that follows the live stream',
    shell_command: 'let a program that follows the live stream do it',
    tts: 'use { notify: … }',
    automation: 'a rule is a twin: { set: { twin: the-rule, desired: { enabled: false } } }',
    logbook: 'leave it out: each run is in the journal, with what it did and why',
    system_log: 'leave it out: each run is in the journal, with what it did and why',
    'persistent_notification.dismiss':
      'use { alert: … } and { clear: … } for what is over at some time',
    timer: 'use { delay: … } or { wait: … }: they survive a restart',
    input_datetime: 'a twin of kind "schedule" holds times that people change',
    cover: NO_DEVICE,
    lock: NO_DEVICE,
    media_player: NO_DEVICE,
    vacuum: NO_DEVICE,
    'homeassistant.update_entity': 'leave it out: devices report by themselves',
    'homeassistant.restart': 'leave it out',
  }),
);

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

// ── what it does ─────────────────────────────────────────────────────────────────────────────

type Deed = (twin: string | string[]) => JsonObject;

function actionsFor(
  mapped: Mapped,
  spot: Spot,
  { data, at, name }: Call,
  service: string,
  calledDomain: string,
  translation: Translation,
): Deed[] {
  const own = ownWish(mapped, service, data);
  if (own) return [set(own)];
  // Of homeassistant.turn_on it depends on what is turned on
  const isGeneral = ['homeassistant', 'area', 'floor', 'label', 'device'].includes(calledDomain);
  const domain = isGeneral ? mapped.domain : calledDomain;
  switch (domain) {
    case 'light':
    case 'switch':
    case 'fan':
    case 'siren':
    case 'humidifier':
    case 'input_boolean':
    case 'area':
    case 'device':
    case 'floor':
    case 'label':
    case 'group': {
      const deed = switched(mapped, spot, service, data, translation);
      if (deed) return [deed];
      break;
    }
    case 'climate':
      return [climate(mapped, spot, service, data, translation)];
    case 'scene': {
      if (service !== 'turn_on') break;
      const time = data.take('transition');
      const transition = time ? durationOf(time, 'the transition') : '0s';
      return mapped.twins.map(
        (scene): Deed =>
          () =>
            transition === '0s' ? { scene } : { scene: { scene, transition } },
      );
    }
    case 'input_number':
    case 'number':
    case 'input_text':
    case 'text':
    case 'input_select':
    case 'select': {
      const value = data.take('value', 'option');
      const wish = wishOf(mapped);
      if (!value || wish === null || !/^(set_value|select_option)$/.test(service)) break;
      const text = valueOfPart(value, translation);
      const fixed =
        typeof text === 'string' && !text.includes('${')
          ? translation.valueOf(
              mapped.values ? { mapped, values: mapped.values } : { mapped, values: null },
              text,
              value.at,
            )
          : text;
      return [set({ [wish]: fixed })];
    }
    default:
  }
  throw new Untranslatable(
    at,
    `${name} has no counterpart for ${mapped.entity}`,
    (isGeneral ? undefined : INSTEAD.get(domain)) ??
      `say what it makes the twin want in the file of entities:  ${mapped.entity}: { twin: ${mapped.twin}, set: { ${service}: { … } } }`,
  );
}

function set(desired: JsonObject): Deed {
  return (twin) => ({ set: { twin, desired } });
}

/** What the user says that an action makes it want: `set_hvac_mode`, or `set_hvac_mode:off`. */
function ownWish({ set: wishes }: Mapped, service: string, data: Fields): JsonObject | null {
  for (const [key, wish] of Object.entries(wishes)) {
    const [action, value] = key.split(/:(.*)/s);
    if (action !== service) continue;
    if (value === undefined || value === '') return wish;
    const given = data
      .rest()
      .find(
        ([, { value: part }]) =>
          part.type === 'scalar' &&
          (part.value === false ? 'off' : part.value === true ? 'on' : String(part.value)) ===
            value,
      );
    if (!given) continue;
    data.take(given[0]);
    return wish;
  }
  return null;
}

const LIGHT = [
  ...['brightness', 'brightness_pct', 'color_temp', 'color_temp_kelvin', 'kelvin', 'color_name'],
  ...[
    'rgb_color',
    'rgbw_color',
    'rgbww_color',
    'hs_color',
    'xy_color',
    'effect',
    'percentage',
    'preset_mode',
  ],
];

function switched(
  mapped: Mapped,
  spot: Spot,
  service: string,
  data: Fields,
  translation: Translation,
): Deed | null {
  if (!['turn_on', 'turn_off', 'toggle'].includes(service)) return null;
  const wish = mapped.path === null ? 'on' : wishOf(mapped);
  if (wish === null) {
    throw new Untranslatable(
      spot,
      `${mapped.entity} is read from ${mapped.path}, which is nothing that can be wanted`,
      `say what it makes the twin want in the file of entities:  set: { ${service}: { … } }`,
    );
  }
  const [on, off] = ['on', 'off'].map((state) =>
    translation.valueOf({ mapped, values: mapped.values ?? { on: true, off: false } }, state, spot),
  ) as [Json, Json];
  const more: JsonObject = {};
  for (const key of LIGHT) {
    const part = data.take(key);
    if (!part) continue;
    const value = valueOfPart(part, translation);
    const isShare = key === 'brightness_pct';
    if (isShare && typeof value !== 'number') {
      throw new Untranslatable(
        part.at,
        'a share that is calculated is not known as a brightness',
        'use "brightness" (0 to 255)',
      );
    }
    more[isShare ? 'brightness' : key] = isShare ? Math.round(Number(value) * 2.55) : value;
    translation.assume(
      part.at,
      `${key} of ${mapped.entity} becomes desired.${isShare ? 'brightness (of 255)' : key}; a relay takes "on" alone, so its twin has to be of a kind that knows it`,
    );
  }
  const transition = data.take('transition');
  if (transition) translation.assume(transition.at, '"transition" is left out: it goes at once');
  if (service !== 'toggle') return set({ [wish]: service === 'turn_on' ? on : off, ...more });
  return (twin) => {
    const [first, ...others] = [twin].flat();
    if (others.length > 0 || (first !== '' && mapped.twins.length > 1)) {
      throw new Untranslatable(
        spot,
        'several twins cannot be toggled in one',
        'name each of them in an action of its own',
      );
    }
    const cel = celPath(mapped.twin, mapped.path ?? 'reported.on');
    const opposite =
      on === true && off === false
        ? `!${cel}`
        : `${cel} == ${literal(on)} ? ${literal(off)} : ${literal(on)}`;
    return { set: { twin, desired: { [wish]: `\${${opposite}}`, ...more } } };
  };
}

function climate(
  mapped: Mapped,
  spot: Spot,
  service: string,
  data: Fields,
  translation: Translation,
): Deed {
  const temperature = data.take('temperature');
  if (service !== 'set_temperature' || !temperature) {
    throw new Untranslatable(
      spot,
      `a thermostat has no ${service}: it has a target, and its room has modes`,
      `say what it makes the twin want in the file of entities, such as  ${mapped.entity}: { twin: ${mapped.twin}, set: { ${service === 'set_hvac_mode' ? '"set_hvac_mode:off"' : service}: { targetTemperature: 5 } } }`,
    );
  }
  const wish =
    wishOf({ ...mapped, path: mapped.attributes.temperature ?? 'reported.targetTemperature' }) ??
    'targetTemperature';
  const value = valueOfPart(temperature, translation);
  const target =
    typeof value === 'string' && Number.isFinite(Number(value)) ? Number(value) : value;
  if (typeof target === 'number' && (target < 5 || target > 30 || (target * 2) % 1 !== 0)) {
    throw new Untranslatable(
      temperature.at,
      `a thermostat takes 5 to 30 °C in half degrees, not ${target}`,
      'choose the nearest',
    );
  }
  return set({ [wish]: target });
}

function notification(
  { name, service, at, data }: Call,
  fields: Fields,
  translation: Translation,
): JsonObject {
  const [message, title] = [data.take('message'), data.take('title')];
  if (!message) throw new Untranslatable(at, 'it has no message', 'give "message"');
  const text = (part: Part) => valueOfTemplate(textOf(part, 'the text'), part.at, translation);
  if (!title)
    translation.assume(
      at,
      `the title of the notification is the name of the automation, as it has none`,
    );
  const target = fields.take('target') ?? data.take('target');
  fields.take('entity_id');
  data.take('target');
  if (name !== 'persistent_notification.create') {
    translation.assume(
      target?.at ?? at,
      `${name} goes to all who get notifications of this home: a rule does not say to whom`,
    );
  }
  const more = data.take('data');
  const id = data.take('notification_id');
  const carried = {
    ...(more?.type === 'map' ? (valueOfPart(more, translation) as JsonObject) : {}),
    ...(id && { notification_id: valueOfPart(id, translation) }),
  };
  if (Object.keys(carried).length > 0) {
    translation.assume(
      more?.at ?? at,
      `the data of ${service} goes along as it is; whether an app does something with it is up to the app`,
    );
  }
  return {
    notify: {
      title: title ? text(title) : valueOfTemplate(translation.title, at, translation),
      message: text(message),
      ...(Object.keys(carried).length > 0 && { data: carried }),
    },
  };
}

/** What the editor of Home Assistant does with a device. @throws Untranslatable */
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
