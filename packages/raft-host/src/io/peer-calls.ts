import {
  assert,
  type BrokerId,
  CodedError,
  type Deferred,
  deferred,
  type SleepSignal,
  type Timer,
  type Timers,
} from "@stratalog/base";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../core/call-codec.ts";
import type { CallResponse } from "../core/call-codec.ts";
import { type Lane, PEER_MESSAGE, type PeerLink } from "../ports/peer-link.ts";

/** Answers one method's calls. A rejection travels back as a CodedError. */
export type CallHandler = (from: BrokerId, body: Uint8Array) => Promise<Uint8Array>;

/** How long a call may take, and what else ends it. */
export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: SleepSignal;
}

/** What peer calls need. */
export interface PeerCallsOptions {
  readonly self: BrokerId;
  readonly link: PeerLink;
  readonly timers: Timers;
  /**
   * Number of this process's first call. Drawn at random, an answer to a call of the process before
   * it, which may come late, fits none of this one's. Default 0.
   */
  readonly firstCorrelation?: number;
}

interface Pending {
  readonly peer: BrokerId;
  readonly answer: Deferred<Uint8Array>;
  readonly end: () => void;
}

/** Bodies beyond this travel on the bulk lane, so that they do not hold up votes and heartbeats. */
const CONTROL_BYTES_MAX = 16 * 1024;
const PENDING_COUNT_MAX = 10_000;
const SERVED_COUNT_MAX = 1000;

/**
 * Requests and responses between brokers. A call ends with the answer, an error, its timeout, its
 * signal, or the loss of the connection; what ends otherwise than by an answer may have taken
 * effect. A broker may call itself.
 */
export class PeerCalls {
  readonly #options: PeerCallsOptions;
  readonly #handlers = new Map<string, CallHandler>();
  readonly #pending = new Map<number, Pending>();
  readonly #servedCounts = new Map<BrokerId, number>();
  #nextCorrelation: number;

  constructor(options: PeerCallsOptions) {
    this.#options = options;
    this.#nextCorrelation = options.firstCorrelation ?? 0;
  }

  /** Answers the calls of a method from now on. */
  handle(method: string, handler: CallHandler): void {
    assert(!this.#handlers.has(method), `two handlers for ${method}`);
    this.#handlers.set(method, handler);
  }

  /** Calls a method of a peer. Rejects with a CodedError. */
  call(
    peer: BrokerId,
    method: string,
    body: Uint8Array,
    options: CallOptions,
  ): Promise<Uint8Array> {
    if (options.signal?.aborted === true) return Promise.reject(aborted(method));
    if (this.#pending.size >= PENDING_COUNT_MAX) {
      const message = `${PENDING_COUNT_MAX} calls to other brokers wait already; try again`;
      return Promise.reject(new CodedError("THROTTLED", message));
    }
    const correlation = this.#nextCorrelation++;
    const { promise } = this.#open(correlation, peer, { method, ...options });
    if (peer === this.#options.self) {
      this.#serveLocally(correlation, method, body);
      return promise;
    }
    const parts = encodeRequest({ correlation, method, body });
    const result = this.#options.link.send(peer, laneFor(body), PEER_MESSAGE.request, parts);
    if (result === "down") {
      const message = `broker ${peer} is not connected`;
      this.#settle(correlation, { error: new CodedError("BROKER_NOT_AVAILABLE", message) });
    } else if (result === "full") {
      const message = `the connection to broker ${peer} is full; try again`;
      this.#settle(correlation, { error: new CodedError("THROTTLED", message) });
    }
    return promise;
  }

  /** Serves a request. Throws MalformedMessageError when it is none. */
  handleRequest(from: BrokerId, payload: Uint8Array): void {
    const { correlation, method, body } = decodeRequest(payload);
    const served = this.#servedCounts.get(from) ?? 0;
    if (served >= SERVED_COUNT_MAX) {
      const message = `broker ${this.#options.self} serves ${served} calls of this broker already`;
      this.#respond(from, {
        correlation,
        outcome: { error: new CodedError("THROTTLED", message) },
      });
      return;
    }
    this.#servedCounts.set(from, served + 1);
    void this.#serve(from, method, body).then((outcome) => {
      this.#servedCounts.set(from, (this.#servedCounts.get(from) ?? 1) - 1);
      this.#respond(from, { correlation, outcome });
    });
  }

  /** Ends a call. Throws MalformedMessageError when the payload is no response. */
  handleResponse(from: BrokerId, payload: Uint8Array): void {
    const { correlation, outcome } = decodeResponse(payload);
    if (this.#pending.get(correlation)?.peer === from) this.#settle(correlation, outcome);
  }

  /** The connection is gone, and with it whatever was being asked. */
  handlePeerDown(peer: BrokerId): void {
    for (const [correlation, pending] of this.#pending) {
      if (pending.peer !== peer) continue;
      const message = `the connection to broker ${peer} was lost before it answered`;
      this.#settle(correlation, { error: new CodedError("REQUEST_TIMED_OUT", message) });
    }
  }

  /** Ends all calls. */
  close(): void {
    for (const correlation of this.#pending.keys()) {
      this.#settle(correlation, { error: new CodedError("CLOSED", "this broker is stopping") });
    }
  }

  #open(
    correlation: number,
    peer: BrokerId,
    call: CallOptions & { readonly method: string },
  ): Deferred<Uint8Array> {
    const { method, timeoutMs, signal } = call;
    const answer = deferred<Uint8Array>();
    const onAbort = (): void => this.#settle(correlation, { error: aborted(method) });
    const timer: Timer = this.#options.timers.after(timeoutMs, () => {
      const message = `broker ${peer} did not answer ${method} within ${timeoutMs} ms`;
      this.#settle(correlation, { error: new CodedError("REQUEST_TIMED_OUT", message) });
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    this.#pending.set(correlation, { peer, answer, end });
    return answer;
  }

  #settle(correlation: number, outcome: CallResponse["outcome"]): void {
    const pending = this.#pending.get(correlation);
    if (pending === undefined) return;
    this.#pending.delete(correlation);
    pending.end();
    if ("body" in outcome) pending.answer.resolve(outcome.body);
    else pending.answer.reject(outcome.error);
  }

  #serveLocally(correlation: number, method: string, body: Uint8Array): void {
    void this.#serve(this.#options.self, method, body).then((outcome) => {
      this.#settle(correlation, outcome);
    });
  }

  /** Runs the handler; never rejects. */
  async #serve(from: BrokerId, method: string, body: Uint8Array): Promise<CallResponse["outcome"]> {
    const handler = this.#handlers.get(method);
    if (handler === undefined) {
      const message = `broker ${this.#options.self} does not answer ${method} (yet)`;
      return { error: new CodedError("BROKER_NOT_AVAILABLE", message) };
    }
    try {
      return { body: await handler(from, body) };
    } catch (error) {
      return { error: CodedError.from(error) };
    }
  }

  #respond(to: BrokerId, response: CallResponse): void {
    const parts = encodeResponse(response);
    const lane = parts[1] === undefined ? "control" : laneFor(parts[1]);
    // A response that cannot be sent is the caller's timeout.
    this.#options.link.send(to, lane, PEER_MESSAGE.response, parts);
  }
}

function laneFor(body: Uint8Array): Lane {
  return body.byteLength > CONTROL_BYTES_MAX ? "bulk" : "control";
}

function aborted(method: string): CodedError {
  return new CodedError("ABORTED", `the call of ${method} was aborted`);
}
