import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import { CodedError } from "@stratalog/base";
import type { Input } from "./method.ts";
import { fromCallError } from "./status.ts";

/** One bound unary method of a service client. */
export type UnaryInvoke<Request, Response> = (
  request: Input<Request>,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, response?: Response) => void,
) => ClientUnaryCall;

/** How long a call may take, and what ends it sooner. */
export interface UnaryOptions {
  /** Wall time at which the call fails with REQUEST_TIMED_OUT, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** Ends the call with ABORTED. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a unary call: `callUnary(client.getMetadata.bind(client), request, { deadlineMs })`.
 * Rejects with a CodedError.
 */
export function callUnary<Request, Response>(
  invoke: UnaryInvoke<Request, Response>,
  request: Input<Request>,
  options: UnaryOptions,
): Promise<Response> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted(signal));
      return;
    }
    const onAbort = (): void => call.cancel();
    const callOptions = { deadline: options.deadlineMs };
    const call = invoke(request, new Metadata(), callOptions, (error, response) => {
      signal?.removeEventListener("abort", onAbort);
      if (error === null && response !== undefined) resolve(response);
      else if (signal?.aborted === true) reject(aborted(signal));
      else reject(fromCallError(error));
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function aborted(signal: AbortSignal): CodedError {
  return new CodedError("ABORTED", "the caller's signal aborted the call", {
    cause: signal.reason,
  });
}
