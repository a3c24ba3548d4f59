import type { DeliveryRow } from '../../engine/index.ts';
import type { Codec, Outgoing, Unsayable, WantedFilter } from './codec.ts';
import { filterMatches } from './topic.ts';

/** All dialects of an adapter, in order: the first whose `matches` accepts a topic takes the packet. */
export class CodecSet {
  readonly #codecs: readonly Codec[];
  readonly #fallback: Codec;
  readonly filters: readonly WantedFilter[];

  /** @param fallback speaks to twins whose `via` names no codec */
  constructor(codecs: readonly Codec[], fallback: Codec) {
    this.#codecs = codecs;
    this.#fallback = fallback;
    const filters = new Map<string, WantedFilter>();
    for (const wanted of codecs.flatMap((codec) => codec.filters)) {
      if (!filters.has(wanted.filter)) filters.set(wanted.filter, wanted);
    }
    this.filters = [...filters.values()];
  }

  of(topic: string): Codec | undefined {
    return this.#codecs.find((codec) => codec.matches(topic));
  }

  /** Whether some dialect asked for this part of the tree. */
  wants(topic: string): boolean {
    return this.filters.some(({ filter }) => filterMatches(filter, topic));
  }

  encode(row: DeliveryRow): Outgoing | Unsayable | null {
    const { via } = row.delivery;
    if (via === null) return this.#fallback.encode(row);
    const name = via.split(':', 1)[0];
    const codec = this.#codecs.find((candidate) => candidate.name === name);
    if (codec) return codec.encode(row);
    return {
      unsayable: `no codec "${name}" is configured, but ${row.home}/${row.twin} is reached through it`,
      hint: `Configured are: ${this.#codecs.map((known) => known.name).join(', ')}. Turn it on again, or delete the twin.`,
      later: true,
    };
  }
}
