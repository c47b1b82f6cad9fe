import { ANONYMOUS } from "../principal.ts";
import { CodedError } from "@stratalog/base";
import { localized, type OpenStream, type Serve, type StreamHandler } from "../rpc/method.ts";
import type { LocalPort } from "./local-port.ts";
import { errorThrough, type MethodCodec } from "./method-codec.ts";

/** Hears a stream. `onEnd` comes exactly once, after the last message. */
export interface LocalStreamListener {
  onMessage(message: unknown): void;
  /**
   * REQUEST_TIMED_OUT when the broker ended it with success: a client's streams end when the client
   * wants.
   */
  onEnd(error: CodedError): void;
}

/** Messages on their way to the client at once, as over gRPC. */
const RESPONSES_INFLIGHT_MAX = 2;
/** Requests not read by the broker at which `write` reports congestion. */
const REQUESTS_QUEUED_MAX = 16;

/** One stream, both sides of it. */
export class LocalStream implements OpenStream<unknown> {
  readonly peer: string;
  readonly principal = ANONYMOUS;
  readonly #port: LocalPort;
  readonly #listener: LocalStreamListener;
  readonly #onOver: () => void;
  #handler: StreamHandler<unknown> | undefined;
  #codec: MethodCodec | undefined;
  /** Requests that the broker has not read; undefined stands for the client's end. */
  #requests: unknown[] = [];
  #responsesInflight = 0;
  #isReading = true;
  #isDraining = false;
  #state: "open" | "over" = "open";
  #onDrain: (() => void) | undefined;

  constructor(options: {
    readonly port: LocalPort;
    readonly peer: string;
    readonly listener: LocalStreamListener;
    readonly onOver: () => void;
  }) {
    this.#port = options.port;
    this.peer = options.peer;
    this.#listener = options.listener;
    this.#onOver = options.onOver;
  }

  // The client's side.

  /** Sends a request; false when the broker is behind: then wait for `onDrain`. */
  send(request: unknown): boolean {
    if (this.#state === "over") return true;
    this.#requests.push(request);
    this.#port.carry(() => this.#deliver());
    return this.#requests.length < REQUESTS_QUEUED_MAX;
  }

  /** Calls back once, when the broker has read what was sent. */
  onDrain(callback: () => void): void {
    this.#onDrain = callback;
  }

  /** The client sends no more. */
  finish(): void {
    if (this.#state === "open") this.send(undefined);
  }

  /** Ends both sides at once. */
  cancel(): void {
    this.#over(new CodedError("CLOSED", "the stream was cancelled"));
  }

  // The broker's side.

  get isWritable(): boolean {
    return this.#state === "open" && this.#responsesInflight < RESPONSES_INFLIGHT_MAX;
  }

  serve(serve: Serve<unknown, unknown>, codec: MethodCodec): void {
    if (this.#state === "over") return;
    this.#codec = codec;
    this.#guard(() => {
      this.#handler = serve(this);
    });
    this.#deliver();
  }

  write(response: unknown): void {
    if (this.#state === "over") return;
    const message = this.#codec?.responseThrough(response);
    this.#responsesInflight++;
    this.#port.carry(() => {
      this.#responsesInflight--;
      if (this.#state === "over") return;
      this.#listener.onMessage(message);
      this.#guard(() => this.#handler?.onWritable());
    });
  }

  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading) this.#port.carry(() => this.#deliver());
  }

  /** Memory is bounded where strangers connect. */
  setHeldBytes(): boolean {
    return true;
  }

  end(): void {
    const stopping = new CodedError("BROKER_NOT_AVAILABLE", "the broker is stopping");
    const ended = new CodedError("REQUEST_TIMED_OUT", "the broker ended the stream");
    this.#endAfterResponses(this.#isDraining ? stopping : ended);
  }

  fail(error: unknown): void {
    this.#endAfterResponses(errorThrough(localized(this.#port.environment, error)));
  }

  /** The port stops: as if the client had ended its side. */
  drain(): void {
    this.#isDraining = true;
    this.#isReading = false;
    if (this.#handler === undefined) this.end();
    else this.#guard(() => this.#handler?.onEnd());
  }

  /** The connection is gone. */
  cut(error: CodedError): void {
    this.#over(error);
  }

  #deliver(): void {
    while (this.#isReading && this.#handler !== undefined && this.#state === "open") {
      if (this.#requests.length === 0) break;
      const request = this.#requests.shift();
      this.#guard(() => {
        if (request === undefined) this.#handler?.onEnd();
        else this.#handler?.onMessage(this.#codec?.requestThrough(request));
      });
    }
    if (this.#requests.length > 0) return;
    const onDrain = this.#onDrain;
    this.#onDrain = undefined;
    onDrain?.();
  }

  #guard(task: () => void): void {
    if (this.#state === "over") return;
    try {
      task();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The handler is told at once; the client after what was written before. */
  #endAfterResponses(error: CodedError): void {
    if (this.#state === "over") return;
    const handler = this.#handler;
    this.#handler = undefined;
    this.#isReading = false;
    handler?.onClose();
    this.#port.carry(() => this.#over(error));
  }

  #over(error: CodedError): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#requests = [];
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onClose();
    this.#onOver();
    this.#listener.onEnd(error);
  }
}
