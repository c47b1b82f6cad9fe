import type { Clock, ErrorCode, Logger, Timers } from "@stratalog/base";
import { CodedError } from "@stratalog/base";
import { type CallStatus, toCallStatus } from "@stratalog/protocol";
import { withLeaderAddress } from "../services/leader-address.ts";
import type { ClusterMetadata } from "../services/ports.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { ReadGates } from "./read-gate.ts";

/** What is counted of calls. Method names are those of the contract: bounded. */
export interface CallMetrics {
  /** A unary call was answered. */
  answered(method: string, code: ErrorCode | "OK", durationMs: number): void;
  streamOpened(method: string): void;
  streamClosed(method: string, code: ErrorCode | "OK"): void;
}

/** What every call of one listener shares. */
export interface CallEnvironment {
  /** Name of the listener; answers give addresses of the listener of that name. */
  readonly listener: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metadata: ClusterMetadata;
  readonly metrics: CallMetrics;
  readonly gates: ReadGates;
  readonly calls: OpenCalls;
}

/** An error with the leader's address on the client's listener, when it names a leader. */
export function localized(environment: CallEnvironment, error: unknown): unknown {
  return withLeaderAddress(error, environment.metadata.image, environment.listener);
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
