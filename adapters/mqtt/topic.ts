const SLASH = '/'.charCodeAt(0);
const PLUS = '+'.charCodeAt(0);
const HASH = '#'.charCodeAt(0);

/**
 * Whether a filter matches a topic (MQTT 5, 4.7): `+` is one level, `#` the parent and everything
 * below it; a filter that begins with a wildcard does not match topics that begin with `$`.
 */
export function filterMatches(filter: string, topic: string): boolean {
  const beginsWild = filter.startsWith('+') || filter.startsWith('#');
  if (beginsWild && topic.startsWith('$')) return false;
  // Character by character, as this runs for each message
  let at = 0;
  for (let f = 0; f < filter.length; f++) {
    const code = filter.charCodeAt(f);
    const isWild = (code === PLUS || code === HASH) && (f === 0 || filter[f - 1] === '/');
    if (isWild && code === HASH) return true;
    if (isWild) while (at < topic.length && topic.charCodeAt(at) !== SLASH) at++;
    else if (at < topic.length && topic.charCodeAt(at) === code) at++;
    else return at === topic.length && filter.slice(f) === '/#';
  }
  return at === topic.length;
}

/** Whether a text can be published to: not empty, no wildcard, no NUL. */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && topic.length <= 65_535 && !/[+#\0]/.test(topic);
}

/** Whether the filter reaches into a part of the tree by name, not by a wildcard: `a/b/#` names `a/b`. */
export function filterNames(filter: string, prefix: string): boolean {
  return filter === prefix || filter.startsWith(`${prefix}/`);
}
