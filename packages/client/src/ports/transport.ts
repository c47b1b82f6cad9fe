import type { CodedError } from "@stratalog/base";
import type { BidiMethod, Input, ServiceName, Services, UnaryMethod } from "@stratalog/protocol";

/** Names of a service's unary methods. */
export type UnaryName<S extends ServiceName> = {
  [M in keyof Services[S]]: Services[S][M] extends UnaryMethod<unknown, unknown> ? M : never;
}[keyof Services[S]];

/** Names of a service's streaming methods. */
export type StreamName<S extends ServiceName> = {
  [M in keyof Services[S]]: Services[S][M] extends BidiMethod<unknown, unknown> ? M : never;
}[keyof Services[S]];

type Shape<Method> = Method extends { readonly request: infer Q; readonly response: infer R }
  ? { readonly request: Q; readonly response: R }
  : never;

/** What a method takes; every field may be left out. */
export type RequestOf<S extends ServiceName, M extends keyof Services[S]> = Input<
  Shape<Services[S][M]>["request"]
>;
/** What a method gives. */
export type ResponseOf<S extends ServiceName, M extends keyof Services[S]> = Shape<
  Services[S][M]
>["response"];

/** Bounds of one call. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Hears a stream. `onEnd` comes exactly once, after the last message, also after `cancel`. */
export interface StreamListener<Message> {
  onMessage(message: Message): void;
  onEnd(error: CodedError): void;
}

/** The sending side of a stream. Writing after the end is harmless and does nothing. */
export interface OutgoingStream<Message> {
  /** Hands a message over; false when the transport is congested: then wait for `onDrain`. */
  write(message: Message): boolean;
  /** Calls back once, when the congestion that `write` reported is over. */
  onDrain(callback: () => void): void;
  /** No more messages from this side; answers still come. */
  end(): void;
  /** Ends both sides at once. */
  cancel(): void;
}

/**
 * A way to one broker. Nothing is dialled before the first call, and a lost connection is dialled
 * again by the next one. Rejections and ends are CodedErrors.
 */
export interface Connection {
  readonly address: string;
  call<S extends ServiceName, M extends UnaryName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    limits: CallLimits,
  ): Promise<ResponseOf<S, M>>;
  open<S extends ServiceName, M extends StreamName<S>>(
    service: S,
    method: M,
    listener: StreamListener<ResponseOf<S, M>>,
  ): OutgoingStream<RequestOf<S, M>>;
  /** Lets go of all sockets at once; calls and streams that are open end. */
  close(): void;
}

/** Makes connections. The real one speaks gRPC; a simulation has another. */
export interface Transport {
  connect(address: string): Connection;
}
