/** Names that begin so are Stratalog's own. */
export const INTERNAL_PREFIX = "__";

const NAME_LENGTH_MAX = 249;

/**
 * What is wrong with a topic's name, or undefined when it is fine. The name is shown, cut and
 * escaped.
 */
export function checkTopicName(name: string): string | undefined {
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  if (name.length === 0) return "a topic name must not be empty";
  if (name.length > NAME_LENGTH_MAX) {
    return `topic name ${shown} has ${name.length} characters; at most ${NAME_LENGTH_MAX} are allowed`;
  }
  if (name === "." || name === "..") return `a topic cannot be named ${shown}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    return `topic name ${shown} may have letters, digits, ".", "_" and "-" only`;
  }
  return undefined;
}

/** Whether a name is reserved for Stratalog's own topics. */
export function isInternalName(name: string): boolean {
  return name.startsWith(INTERNAL_PREFIX);
}

/**
 * Whether two names are one where dots and underscores are one character, as in the names of many
 * metric systems.
 */
export function isSameForMetrics(a: string, b: string): boolean {
  return a.length === b.length && a.replaceAll(".", "_") === b.replaceAll(".", "_");
}
