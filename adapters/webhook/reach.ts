/** Which addresses requests of rules may go to: whoever writes a rule must not reach into the operator's network. */
import { BlockList, isIP } from 'node:net';

/** An address that a name has been resolved to. */
export interface Resolved {
  address: string;
  family: 4 | 6;
}

/** All that is not for everybody (IANA's special-purpose registries), and what leads there in disguise. */
const NOT_PUBLIC_4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Only 2000::/3 of IPv6 is public, without these networks; tunnels may lead to any IPv4 address. */
const NOT_PUBLIC_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const PUBLIC_6 = listOf(['2000::/3']);
const NOT_PUBLIC = listOf([...NOT_PUBLIC_4, ...NOT_PUBLIC_6]);

/** `host`, `host:port`, an address or a network. */
const ENTRY = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?$/i;
const NETWORK = /^([0-9a-f:.]+)\/(\d{1,3})$/i;

/** Whether the text can stand among what is allowed beside public addresses. */
export function isAllowance(text: string): boolean {
  const network = NETWORK.exec(text);
  if (network) return isNetwork(network);
  return isIP(text) === 6 || ENTRY.test(text);
}

export class Reach {
  readonly #networks: BlockList;
  readonly #hosts = new Set<string>();

  /** @param allow what may be reached although it is not public; each an {@link isAllowance} */
  constructor(allow: readonly string[]) {
    const isRange = (text: string) => NETWORK.test(text) || isIP(text) !== 0;
    this.#networks = listOf(allow.filter(isRange));
    for (const text of allow) if (!isRange(text)) this.#hosts.add(text.toLowerCase());
  }

  /** @param host as the address of the request names it */
  may(host: string, port: number, { address, family }: Resolved): boolean {
    const name = host.toLowerCase();
    if (this.#hosts.has(name) || this.#hosts.has(`${name}:${port}`)) return true;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (this.#networks.check(address, type)) return true;
    // Also of an IPv4 address within an IPv6 one (::ffff:10.0.0.1)
    if (NOT_PUBLIC.check(address, type)) return false;
    return family === 4 || PUBLIC_6.check(address, 'ipv6');
  }
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const type = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(bits), type);
  }
  return list;
}

function isNetwork([, address = '', bits]: RegExpExecArray): boolean {
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
