import { isName, type Json } from '../../../engine/index.ts';
import { type Codec, type Decoded, type InboundPacket, ignored, refused } from '../codec.ts';
import { type Read, readJson } from '../json-payload.ts';
import { MESSAGES } from '../native-topics.ts';
import { filterMatches } from '../topic.ts';

/** Topics of others that the rules of a home may hear. */
export interface MessageSource {
  home: string;
  filter: string;
}

/** The twin that hears for its home; rules watch it. */
const HEARER = 'home';
const MAX_BYTES = 64 * 1024;

/**
 * What no device says of itself, for the rules of a home: whatever is published below `{root}/{home}/messages/`.
 * It is an event of the home's own twin. What was retained has been said before, and is not heard again.
 */
export function messageCodec(root: string): Codec {
  const filter = `${root}/+/${MESSAGES}/#`;
  return {
    name: 'messages',
    filters: [{ filter }],
    matches: (topic) => filterMatches(filter, topic),
    decode(packet) {
      const [home = '', , ...rest] = packet.topic.slice(root.length + 1).split('/');
      return [decode(packet, home, rest.join('/'))];
    },
    encode: () => null,
  };
}

/** The same of topics that the operator names. Comes last: what a dialect understands is a device's. */
export function foreignMessageCodec(sources: readonly MessageSource[]): Codec {
  const hearersOf = (topic: string) =>
    sources.filter(({ filter }) => filterMatches(filter, topic)).map(({ home }) => home);
  return {
    name: 'foreign-messages',
    filters: sources.map(({ filter }) => ({ filter })),
    matches: (topic) => hearersOf(topic).length > 0,
    decode: (packet) => hearersOf(packet.topic).map((home) => decode(packet, home, packet.topic)),
    encode: () => null,
  };
}

function decode({ payload, replayed }: InboundPacket, home: string, topic: string): Decoded {
  if (replayed) return ignored('a retained message');
  const where = { home, twin: HEARER };
  if (!isName(home) || topic === '') {
    return refused(
      'the topic names no home and message',
      'Publish to {root}/{home}/messages/{what it is about}.',
    );
  }
  const read = bodyOf(payload);
  if (!read.ok) return refused(read.error, read.hint, where);
  const event = { type: 'message', topic, body: read.value };
  return { type: 'event', ...where, speaker: 'message', event };
}

/** JSON, or else the text as it is. */
function bodyOf(payload: Buffer): Read<Json> {
  const read = readJson(payload, MAX_BYTES);
  if (read.ok || payload.length > MAX_BYTES) return read;
  const text = payload.toString('utf8');
  return isJson(text) || /[\0\uFFFD]/.test(text) ? read : { ok: true, value: text };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // the question was whether it is
  }
}
