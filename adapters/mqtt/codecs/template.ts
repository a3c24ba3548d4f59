import {
  type DeliveryRow,
  type EventData,
  isName,
  type JsonObject,
} from '../../../engine/index.ts';
import {
  type Codec,
  type Decoded,
  deviceOf,
  type InboundPacket,
  ignored,
  type Outgoing,
  refused,
  type Unsayable,
  type WantedFilter,
} from '../codec.ts';
import { deviceTime, senderId } from '../device-words.ts';
import { readObject } from '../json-payload.ts';
import type { Template } from './template-file.ts';
import { at, extract, fill, fillJson, filterOf, type Variables } from './template-text.ts';

const NAME = 'template';

/** Dialects that need no code: each is an entry of a YAML file (see templates.example.yaml). */
export function templateCodec(templates: readonly Template[]): Codec {
  const filters: WantedFilter[] = templates.flatMap(({ topic, status }) => [
    { filter: filterOf(topic) },
    ...(status ? [{ filter: filterOf(status.topic) }] : []),
  ]);
  const find = (topic: string) => {
    for (const template of templates) {
      const data = extract(template.topic, topic);
      if (data) return { template, variables: data, channel: 'data' as const };
      const status = template.status && extract(template.status.topic, topic);
      if (status) return { template, variables: status, channel: 'status' as const };
    }
    return null;
  };
  return {
    name: NAME,
    filters,
    matches: (topic) => find(topic) !== null,
    decode(packet) {
      const found = find(packet.topic);
      if (!found) return [];
      return [decode(found.template, found.variables, found.channel, packet)];
    },
    encode: (row) => encode(templates, row),
  };
}

function decode(
  template: Template,
  variables: Variables,
  channel: 'data' | 'status',
  packet: InboundPacket,
): Decoded {
  if (packet.payload.length === 0) return ignored('a cleared topic');
  const home = fill(template.home, variables) ?? '';
  const twin = fill(template.twin, variables) ?? '';
  if (!isName(home) || !isName(twin)) {
    return refused(
      `template "${template.name}" makes "${home}/${twin}" of this topic, which names no home and twin`,
      'Names are 1 to 64 letters, digits, ".", "_" or "-". Write fixed ones into the template, or rename the device.',
    );
  }
  // The variables, not the topic: a status comes on another one
  const base = {
    type: 'event' as const,
    home,
    twin,
    kind: template.kind,
    via: `${NAME}:${template.name}:${JSON.stringify(variables)}`,
  };
  if (channel === 'status') return status(template, base, packet.payload);

  const read = readObject(packet.payload);
  if (!read.ok) return refused(read.error, read.hint, base);
  const id = senderId(template.id === undefined ? undefined : at(read.value, template.id));
  if (id === null)
    return refused('the id is unusable', '"id" is a text of up to 200 characters.', base);
  const event = measure(template, read.value);
  if (typeof event === 'string') {
    return refused(
      event,
      `The payload has ${Object.keys(read.value).join(', ')}; correct template "${template.name}".`,
      base,
    );
  }
  return {
    ...base,
    event,
    at: template.at === undefined ? undefined : deviceTime(at(read.value, template.at)),
    id,
  };
}

function status(
  { status: words, name }: Template,
  base: { home: string; twin: string } & Omit<Extract<Decoded, { type: 'event' }>, 'event'>,
  payload: Buffer,
): Decoded {
  const said = payload.toString('utf8').trim();
  if (said === words?.online) return { ...base, event: { type: 'status', online: true } };
  if (said === words?.offline) return { ...base, event: { type: 'status', online: false } };
  return refused(
    `the status is "${said.slice(0, 40)}"`,
    `Template "${name}" expects "${words?.online}" or "${words?.offline}".`,
    base,
  );
}

/** The telemetry event, or what is wrong. A field that the payload does not have is left out. */
function measure(template: Template, payload: JsonObject): EventData | string {
  const event: EventData = { type: 'telemetry' };
  if (template.passthrough !== undefined) {
    const all = at(payload, template.passthrough);
    if (all !== null && typeof all === 'object' && !Array.isArray(all)) {
      for (const [name, value] of Object.entries(all)) {
        if (value !== null && typeof value !== 'object' && !['type', 'at', 'id'].includes(name)) {
          event[name] = value;
        }
      }
    }
  }
  for (const [measurement, field] of Object.entries(template.fields)) {
    const { path, scale, offset } =
      typeof field === 'string' ? { path: field, scale: undefined, offset: undefined } : field;
    const value = at(payload, path);
    if (value === undefined || value === null) continue;
    if (scale === undefined && offset === undefined) event[measurement] = value;
    else if (typeof value === 'number') {
      // 12 digits: 2950 × 0.001 is 2.95, not 2.9500000000000002
      const scaled = Number((value * (scale ?? 1) + (offset ?? 0)).toPrecision(12));
      if (!Number.isFinite(scaled)) return `"${path}" is ${value}, too large to be scaled`;
      event[measurement] = scaled;
    } else return `"${path}" is no number, so it has no scale`;
  }
  if (Object.keys(event).length > 1) return event;
  return `none of the fields of template "${template.name}" is in the payload`;
}

function encode(templates: readonly Template[], row: DeliveryRow): Outgoing | Unsayable | null {
  const { delivery } = row;
  const device = deviceOf(delivery.via, NAME);
  if (delivery.type !== 'command' || device === null) return null;
  const colon = device.indexOf(':');
  const name = device.slice(0, colon);
  const template = templates.find((known) => known.name === name);
  const commands = template?.commands ?? {};
  const spec = Object.hasOwn(commands, delivery.name) ? commands[delivery.name] : undefined;
  if (!template || !spec) {
    return {
      unsayable: `template "${name}" has no command "${delivery.name}"`,
      hint: 'Write it under `commands:` in the template file.',
      later: !template,
    };
  }
  const variables = JSON.parse(device.slice(colon + 1)) as Variables;
  const values = { ...delivery.args, id: row.id, expiresAt: delivery.expiresAt };
  const topic = fill(spec.topic, variables);
  const payload = fillJson(spec.payload, values);
  if (topic === null || payload === null) {
    return {
      unsayable: `the command "${delivery.name}" of template "${name}" needs values that ${JSON.stringify(delivery.args)} does not have`,
      hint: 'Use the names of the command’s arguments in braces; {id} and {expiresAt} are there too.',
      later: false,
    };
  }
  return {
    topic,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    retain: false,
    receiver: topic,
  };
}
