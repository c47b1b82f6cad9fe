/** A broken invariant: a bug in Stratalog, never an input error. The process stops on it. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Stops the caller when `condition` is false. On in production: a wrong log is worse than a dead
 * broker.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks the arm of a switch that the type checker has proven empty. */
export function unreachable(value: never, what: string): never {
  throw new AssertionError(`unreachable ${what}: ${String(value)}`);
}

/** Narrows away `undefined` and `null` where an invariant says the value exists. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`missing ${what}`);
  return value;
}
