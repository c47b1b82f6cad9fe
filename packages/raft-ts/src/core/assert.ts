/**
 * A broken invariant of this library or of its caller's storage. Never an outcome of what peers
 * send.
 */
export class RaftInvariantError extends Error {
  override readonly name = "RaftInvariantError";
}

/**
 * Stops when `condition` is false: a replica that goes on with a wrong log is worse than a dead
 * one.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RaftInvariantError(message);
}
