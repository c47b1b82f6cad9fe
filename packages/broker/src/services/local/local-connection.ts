import { ANONYMOUS } from "../principal.ts";
import { CodedError, deferred } from "@stratalog/base";
import type { ServiceName } from "@stratalog/protocol";
import { localized } from "../rpc/method.ts";
import type { LocalPort } from "./local-port.ts";
import { LocalStream, type LocalStreamListener } from "./local-stream.ts";
import { errorThrough, methodCodec, unknownMethod } from "./method-codec.ts";

/** Bounds of one unary call. */
export interface LocalCallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The client's side of a stream. */
export interface LocalOutgoingStream {
  /** Sends a message; false when the broker is behind: then wait for `onDrain`. */
  write(message: unknown): boolean;
  onDrain(callback: () => void): void;
  end(): void;
  cancel(): void;
}

/** A unary call on its way. */
interface OpenCall {
  /** Ends it at once for its caller. */
  cut(error: CodedError): void;
  /** Tells whoever answers that it should. */
  abort(): void;
}

/**
 * One client's way to the port. Messages are those of the contract; every failure is a CodedError.
 */
export class LocalConnection {
  readonly #port: LocalPort;
  readonly #peer: string;
  readonly #onClose: () => void;
  readonly #calls = new Set<OpenCall>();
  readonly #streams = new Set<LocalStream>();
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(port: LocalPort, peer: string, onClose: () => void) {
    this.#port = port;
    this.#peer = peer;
    this.#onClose = onClose;
  }

  /** Makes a unary call. */
  call(
    service: ServiceName,
    name: string,
    request: unknown,
    limits: LocalCallLimits,
  ): Promise<unknown> {
    const outcome = deferred<unknown>();
    const controller = new AbortController();
    const settle = (finish: () => void): void => {
      if (!this.#calls.delete(open)) return;
      timer.cancel();
      limits.signal?.removeEventListener("abort", onAbort);
      finish();
      this.#maybeIdle();
    };
    const cut = (error: CodedError): void => {
      controller.abort();
      settle(() => outcome.reject(error));
    };
    const open: OpenCall = { cut, abort: () => controller.abort() };
    const onAbort = (): void => cut(new CodedError("ABORTED", "the caller aborted the call"));
    const timer = this.#port.timers.after(limits.timeoutMs, () => {
      cut(new CodedError("REQUEST_TIMED_OUT", `no answer within ${limits.timeoutMs} ms`));
    });
    this.#calls.add(open);
    if (limits.signal?.aborted === true) onAbort();
    limits.signal?.addEventListener("abort", onAbort, { once: true });
    this.#port.carry(() => {
      if (!this.#calls.has(open)) return;
      const { timeoutMs } = limits;
      this.#answer(service, name, { request, timeoutMs, signal: controller.signal }).then(
        (response) => this.#port.carry(() => settle(() => outcome.resolve(response))),
        (error: unknown) => this.#port.carry(() => settle(() => outcome.reject(error))),
      );
    });
    return outcome.promise;
  }

  /** Opens a stream. */
  open(service: ServiceName, name: string, listener: LocalStreamListener): LocalOutgoingStream {
    const stream = new LocalStream({
      port: this.#port,
      peer: this.#peer,
      listener,
      onOver: () => {
        this.#streams.delete(stream);
        this.#maybeIdle();
      },
    });
    this.#streams.add(stream);
    this.#port.carry(() => {
      const codec = methodCodec(service, name);
      const method = this.#port.method(service, name);
      if (!this.#mayCall()) stream.fail(stopping());
      else if (codec === undefined || method?.kind !== "stream") {
        stream.fail(unknownMethod(service, name));
      } else stream.serve(method.serve, codec);
    });
    return {
      write: (message) => stream.send(message),
      onDrain: (callback) => stream.onDrain(callback),
      end: () => stream.finish(),
      cancel: () => stream.cancel(),
    };
  }

  /** Cuts everything at once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
    const error = new CodedError("REQUEST_TIMED_OUT", "the connection broke");
    for (const call of this.#calls) call.cut(error);
    for (const stream of this.#streams) stream.cut(error);
  }

  /** Asks streams and long polls to end when what they have begun is answered. */
  drain(): void {
    for (const stream of this.#streams) stream.drain();
    for (const call of this.#calls) call.abort();
  }

  /** Resolves when no call is open. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#maybeIdle();
    });
  }

  #mayCall(): boolean {
    return this.#port.isOpen && !this.#isClosed;
  }

  async #answer(
    service: ServiceName,
    name: string,
    call: {
      readonly request: unknown;
      readonly timeoutMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<unknown> {
    const { environment } = this.#port;
    const codec = methodCodec(service, name);
    const method = this.#port.method(service, name);
    if (!this.#mayCall()) throw stopping();
    if (codec === undefined || method?.kind !== "unary") throw unknownMethod(service, name);
    const { timeoutMs, signal } = call;
    const { listener } = environment;
    const context = { listener, peer: this.#peer, principal: ANONYMOUS, timeoutMs, signal };
    try {
      const response = await method.answer(codec.requestThrough(call.request), context);
      return codec.responseThrough(response);
    } catch (error) {
      if (this.#port.isStopping && signal.aborted) throw stopping();
      throw errorThrough(localized(environment, error));
    }
  }

  #maybeIdle(): void {
    if (this.#calls.size === 0 && this.#streams.size === 0) this.#onIdle?.();
  }
}

function stopping(): CodedError {
  return new CodedError("BROKER_NOT_AVAILABLE", "the broker is not there or stopping");
}
