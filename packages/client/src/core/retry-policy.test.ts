import { CodedError, SeededRandom } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { isRetriable, retryDelayMs, type RetryPolicy } from "./retry-policy.ts";

const policy: RetryPolicy = {
  attempts: 4,
  backoffMs: 100,
  maxBackoffMs: 250,
  retriable: isRetriable,
};

describe("retrying", () => {
  test("waits longer each time, jittered, to a limit, and ends", () => {
    const random = new SeededRandom(7);
    const error = new Error("busy");
    const delays = [1, 2, 3, 4].map((attempt) => retryDelayMs(policy, { attempt, error }, random));
    for (const [index, plain] of [100, 200, 250].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(plain * 0.8);
      expect(delays[index]).toBeLessThanOrEqual(plain * 1.2);
    }
    expect(delays[3]).toBeUndefined();
  });

  test("is not for errors that say so", () => {
    const random = new SeededRandom(7);
    const error = new CodedError("SERDE_FAILED", "no JSON");
    expect(retryDelayMs(policy, { attempt: 1, error }, random)).toBeUndefined();
    expect(isRetriable(new CodedError("BROKER_NOT_AVAILABLE", "gone"))).toBe(true);
    expect(isRetriable({ retriable: false })).toBe(false);
    expect(isRetriable("text")).toBe(true);
    expect(isRetriable(undefined)).toBe(true);
  });
});
