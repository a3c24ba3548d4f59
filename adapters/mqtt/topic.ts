/**
 * Whether a filter matches a topic (MQTT 5, 4.7): `+` is one level, `#` the parent and everything
 * below it; a filter that begins with a wildcard does not match topics that begin with `$`.
 */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const given = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= given.length) return false;
    if (level !== '+' && level !== given[index]) return false;
  }
  return wanted.length === given.length;
}

/** Whether a text can be published to: not empty, no wildcard, no NUL. */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && topic.length <= 65_535 && !/[+#\0]/.test(topic);
}

/** Whether the filter reaches into a part of the tree by name, not by a wildcard: `a/b/#` names `a/b`. */
export function filterNames(filter: string, prefix: string): boolean {
  return filter === prefix || filter.startsWith(`${prefix}/`);
}
