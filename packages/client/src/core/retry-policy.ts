import type { Random } from "@stratalog/base";
import { backoffMs, RETRY_BACKOFF } from "./backoff.ts";

/** When a handler that failed is called again. */
export interface RetryPolicy {
  /** Calls of the handler for one record, the first one included. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Whether another attempt may help. */
  readonly retriable: (error: unknown) => boolean;
}

/** Milliseconds until the next attempt after `attempt` failed; undefined: there is none. */
export function retryDelayMs(
  policy: RetryPolicy,
  failure: { readonly attempt: number; readonly error: unknown },
  random: Random,
): number | undefined {
  if (failure.attempt >= policy.attempts || !policy.retriable(failure.error)) return undefined;
  const { backoffMs: firstMs, maxBackoffMs: maxMs } = policy;
  const limits = { ...RETRY_BACKOFF, firstMs, maxMs };
  return backoffMs(limits, failure.attempt, random);
}

/** An error that says of itself `retriable: false`, as a CodedError does, is for good. */
export function isRetriable(error: unknown): boolean {
  const isFinal =
    typeof error === "object" &&
    error !== null &&
    "retriable" in error &&
    error.retriable === false;
  return !isFinal;
}
