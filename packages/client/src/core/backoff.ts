import type { ErrorCode, Random } from "@stratalog/base";

/** How waiting times between attempts grow. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  /** From one wait to the next. */
  readonly factor: number;
}

/** Kafka's numbers: 100 ms doubling to 1 s. */
export const RETRY_BACKOFF: BackoffLimits = { firstMs: 100, maxMs: 1_000, factor: 2 };
/** For what a leader election ends soon: 20 ms, growing by a quarter to 500 ms. */
export const LEADER_BACKOFF: BackoffLimits = { firstMs: 20, maxMs: 500, factor: 1.25 };

/**
 * The wait before attempt number `attempt` (1 is the first retry): growing, jittered by a fifth
 * either way so that clients that failed together do not come back together.
 */
export function backoffMs(limits: BackoffLimits, attempt: number, random: Random): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 30);
  const plain = Math.min(limits.maxMs, limits.firstMs * limits.factor ** exponent);
  return plain * (0.8 + 0.4 * random.fraction());
}

/** Errors that end when the partition has a leader again, or the client knows of it. */
const LEADERLESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "NOT_LEADER",
  "LEADER_NOT_AVAILABLE",
  "BROKER_NOT_AVAILABLE",
  "REQUEST_TIMED_OUT",
  "OUTCOME_UNKNOWN",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "STORAGE_DAMAGED",
]);

/** How long to wait after an error: an election is over soon, a limit or a full disk is not. */
export function backoffAfter(code: ErrorCode): BackoffLimits {
  return LEADERLESS.has(code) ? LEADER_BACKOFF : RETRY_BACKOFF;
}
