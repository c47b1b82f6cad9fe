/** What a stopped replica had sent may still arrive for this long. */
const LAST_WORDS_MS = 1_000;

/**
 * Replicas of one group whose hosts said that they take part in nothing any more, since their logs
 * are damaged. Their hosts live, so nothing else would tell.
 */
export class StoppedPeers {
  /** Until when messages of before are expected. Most groups never have one. */
  #untilMs: Map<number, number> | undefined;

  /** A replica's host says that it stopped; whether that is news. */
  add(replica: number, nowMs: number): boolean {
    this.#untilMs ??= new Map();
    const isNews = !this.#untilMs.has(replica);
    if (isNews) this.#untilMs.set(replica, nowMs + LAST_WORDS_MS);
    return isNews;
  }

  has(replica: number): boolean {
    return this.#untilMs?.has(replica) === true;
  }

  /**
   * A message of a replica came. Answers whether it was sent before the replica stopped; a later
   * one says that it runs again.
   */
  areLastWords(replica: number, nowMs: () => number): boolean {
    const untilMs = this.#untilMs?.get(replica);
    if (untilMs === undefined) return false;
    if (nowMs() < untilMs) return true;
    this.#untilMs?.delete(replica);
    return false;
  }

  list(): readonly number[] {
    return [...(this.#untilMs?.keys() ?? [])];
  }
}
