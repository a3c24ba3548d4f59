/** What a service does, as actions of a rule. */
import type { Json, JsonObject } from '../../engine/kind.ts';
import { celPath, literal, type Mapped, wishOf } from './entities.ts';
import { durationOf } from './moments.ts';
import { type Fields, type Part, type Spot, textOf, Untranslatable } from './part.ts';
import { type Call, INSTEAD } from './service-call.ts';
import { valueOfPart, valueOfTemplate } from './templates.ts';
import type { Translation } from './translation.ts';

// ── what it does ─────────────────────────────────────────────────────────────────────────────

type Deed = (twin: string | string[]) => JsonObject;

export function actionsFor(
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

export function notification(
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
