import type { handleUnaryCall, ServerUnaryCall } from "@grpc/grpc-js";
import { type Input, invalidRequest, Malformed } from "@stratalog/protocol";
import type { CallContext } from "../services/call-context.ts";
import type { Answer } from "../services/rpc/method.ts";
import { type CallEnvironment, failure } from "./call-environment.ts";
import { principalOf } from "./connection-principal.ts";
import { stoppingError } from "./open-calls.ts";

/** Longest that a call without a stream may take, whatever its client asks for. */
export const CALL_TIMEOUT_MS_MAX = 300_000;

/**
 * Makes the library's handler of an answer: decoding failures, deadline, cancellation, status and
 * counting.
 */
export function unary<Request, Response>(
  environment: CallEnvironment,
  answer: Answer<Request, Response>,
): handleUnaryCall<Request | Malformed, Input<Response>> {
  return (call, callback) => {
    const method = call.getPath();
    const startMs = environment.clock.monotonicMs();
    const count = (code: Parameters<typeof environment.metrics.answered>[1]): void => {
      environment.metrics.answered(method, code, environment.clock.monotonicMs() - startMs);
    };
    const controller = new AbortController();
    call.once("cancelled", () => controller.abort());
    const forget = environment.calls.add({ end: () => controller.abort() });
    run(call, answer, contextOf(environment, call, controller.signal)).then(
      (response) => {
        forget();
        count("OK");
        callback(null, response);
      },
      (error: unknown) => {
        forget();
        const wasCut = environment.calls.isDraining && controller.signal.aborted;
        const reason = wasCut ? stoppingError() : error;
        const { status, code } = failure(environment, method, reason);
        count(code);
        callback(status);
      },
    );
  };
}

/** Async, so that what an answer throws at once becomes a rejection. */
async function run<Request, Response>(
  call: ServerUnaryCall<Request | Malformed, Input<Response>>,
  answer: Answer<Request, Response>,
  context: CallContext,
): Promise<Input<Response>> {
  const { request } = call;
  if (request instanceof Malformed) throw invalidRequest(`not protobuf: ${request.reason}`);
  return await answer(request, context);
}

function contextOf(
  environment: CallEnvironment,
  call: Pick<ServerUnaryCall<unknown, unknown>, "getDeadline" | "getPeer" | "getAuthContext">,
  signal: AbortSignal,
): CallContext {
  const deadline = call.getDeadline();
  const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline;
  const leftMs = Number.isFinite(deadlineMs)
    ? deadlineMs - environment.clock.wallMs()
    : environment.timeoutMs;
  return {
    listener: environment.listener,
    peer: call.getPeer(),
    // Asked for by few: looking at a certificate is not free.
    get principal() {
      return principalOf(call);
    },
    timeoutMs: Math.max(0, Math.min(leftMs, CALL_TIMEOUT_MS_MAX)),
    signal,
  };
}
