import { hash } from 'node:crypto';
import { type IfUnknown, type Inbound, saneTime } from '../../engine/index.ts';
import type { DecodedEvent, InboundPacket } from './codec.ts';

/** What to do with devices that nobody knows: make them, list them to be claimed, or turn them away. */
export type Provisioning = 'open' | 'claim' | 'closed';

const IF_UNKNOWN: Record<Provisioning, IfUnknown> = {
  open: 'create',
  claim: 'candidate',
  closed: 'reject',
};

/**
 * The envelope of the `index`-th thing that a packet says.
 *
 * Its id is the sender's, or a hash of topic, packet id and payload. A hash proves a double only for
 * a packet that is marked as sent again: two equal readings in a row are two events.
 */
export function envelopeOf(
  packet: InboundPacket,
  decoded: DecodedEvent,
  index: number,
  { now, provisioning }: { now: number; provisioning: Provisioning },
): Inbound {
  const { home, twin, event, kind, via } = decoded;
  const given = decoded.id ?? packet.userId;
  const first = given ?? fingerprint(packet);
  // A retained reading that is replayed is one that we may have had; a status is merely said again
  const sentAgain = packet.dup || (packet.replayed && event.type !== 'status');
  const time = saneTime(decoded.at, now);
  const envelope: Inbound = {
    home,
    twin,
    event,
    // One packet may say several things about one twin
    id: index === 0 ? first : `${first}.${index}`,
    dedupe: given !== undefined || sentAgain,
    at: time.at,
    source: decoded.speaker === 'message' ? 'message' : 'mqtt',
    principal: packet.principal ?? 'device',
    correlation: first,
    // An answer to a command cannot come from a device that nobody knows
    ifUnknown: event.type === 'ack' ? 'reject' : IF_UNKNOWN[provisioning],
  };
  if (time.undated) envelope.undated = true;
  if (kind !== undefined) envelope.kind = kind;
  if (via !== undefined) envelope.via = via;
  return envelope;
}

/** The same again when the packet is redelivered. A replayed one has another packet id each time. */
function fingerprint({ topic, packetId, payload, replayed }: InboundPacket): string {
  const which = replayed ? 'retained' : (packetId ?? '');
  const head = `${topic}\0${which}\0`;
  const bytes = Buffer.allocUnsafe(3 * head.length + payload.length);
  const at = bytes.write(head);
  const end = at + payload.copy(bytes, at);
  // One call, as a Hash object costs more than the hash
  return hash('sha256', bytes.subarray(0, end), 'base64url').slice(0, 22);
}
