import type { ErrorCode, Logger } from "@stratalog/base";
import { CodedError } from "@stratalog/base";
import { type CallStatus, toCallStatus } from "@stratalog/protocol";
import { localized, type MethodEnvironment } from "../services/rpc/method.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { GuardedCalls } from "./guarded-calls.ts";

/** What is counted of calls. Method names are those of the contract: bounded. */
export interface CallMetrics {
  /** A unary call was answered. */
  answered(method: string, code: ErrorCode | "OK", durationMs: number): void;
  streamOpened(method: string): void;
  streamClosed(method: string, code: ErrorCode | "OK"): void;
  /** Said once: where the memory of calls can be read. */
  watchCallMemory(read: { readonly bytes: () => number; readonly stalled: () => number }): void;
  /** Said once by each listener: where its connections can be read, open now and turned away so far. */
  watchConnections(read: { readonly open: () => number; readonly refused: () => number }): void;
}

/** What every call of one listener shares. */
export interface CallEnvironment extends MethodEnvironment {
  readonly logger: Logger;
  readonly metrics: CallMetrics;
  readonly guards: GuardedCalls;
  /** Time for a unary call whose client names no deadline, and the most that one may name. */
  readonly timeoutMs: number;
  readonly calls: OpenCalls;
}

/** How a call ends that failed; a bug goes to the log, where its text stays. */
export function failure(
  environment: CallEnvironment,
  method: string,
  error: unknown,
): { readonly status: CallStatus; readonly code: ErrorCode } {
  const known = CodedError.is(error);
  if (!known) environment.logger.error({ err: error, method }, "a call failed by a bug");
  const code = known ? error.code : "INTERNAL";
  return { status: toCallStatus(localized(environment, error)), code };
}
