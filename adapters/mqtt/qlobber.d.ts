/** What is used of qlobber, which has no types of its own. */
declare module 'qlobber' {
  interface Options {
    separator: string;
    wildcard_one: string;
    wildcard_some: string;
    match_empty_levels: boolean;
    max_words: number;
  }

  export class Qlobber<T> {
    constructor(options: Options);
    add(topic: string, value: T): this;
    /** Takes this value off; a topic without any is forgotten. */
    remove(topic: string, value: T): this;
    /** The values of all topics that match, in no order. */
    match(topic: string): T[];
  }
}
