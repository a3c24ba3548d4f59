import { isIPv6 } from 'node:net';

/** Groups of an IPv6 address that name a network; whoever has one has all addresses in it. */
const NETWORK_GROUPS = 4;

/** Where somebody comes from, as limits count it: an IPv4 address, or the /64 of an IPv6 one. */
export function networkOf(address: string | null): string {
  if (address === null) return '-';
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return plain;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const [front = '', back] = plain.split('::');
  const [before, after] = [front, back ?? ''].map((part) => part.split(':').filter(Boolean));
  const given = [...(before ?? []), ...(after ?? [])].length;
  const zeros = back === undefined ? [] : Array.from({ length: 8 - given }, () => '0');
  const groups = [...(before ?? []), ...zeros, ...(after ?? [])];
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
