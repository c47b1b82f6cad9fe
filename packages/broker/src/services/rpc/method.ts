import type { BidiMethod, Input, UnaryMethod } from "@stratalog/protocol";
import type { Clock, Timers } from "@stratalog/base";
import type { CallContext } from "../call-context.ts";
import { withLeaderAddress } from "../leader-address.ts";
import type { Principal } from "../principal.ts";
import type { ClusterMetadata } from "../ports.ts";

/** A unary method: answers, or throws or rejects with a CodedError. */
export type Answer<Request, Response> = (
  request: Request,
  context: CallContext,
) => Input<Response> | Promise<Input<Response>>;

/** What serves one stream is told. */
export interface StreamHandler<Request> {
  /** A message; what it throws ends the stream. */
  onMessage(request: Request): void;
  /** The stream takes messages again. */
  onWritable(): void;
  /** The client will send no more. */
  onEnd(): void;
  /** The stream is over, whoever ended it: let go of everything. Called once. */
  onClose(): void;
}

/** What serves one stream may do. */
export interface OpenStream<Response> {
  /** Address of the client. */
  readonly peer: string;
  /** Who the client is. */
  readonly principal: Principal;
  readonly isWritable: boolean;
  /** Writes a message; look at `isWritable` first. */
  write(response: Input<Response>): void;
  /** Reads on, or holds the next message back. */
  setReading(isReading: boolean): void;
  /**
   * Says how much memory the client's requests of this stream take for as long as it is open, beyond
   * messages on their way. False: more than there is room for; the stream must not take it on.
   */
  setHeldBytes(bytes: number): boolean;
  /** Ends the stream with success after what was written. */
  end(): void;
  /** Ends the stream with an error. */
  fail(error: unknown): void;
}

/** A streaming method: takes a stream over. What it throws ends the stream. */
export type Serve<Request, Response> = (stream: OpenStream<Response>) => StreamHandler<Request>;

/**
 * The methods of one of the generated services, in the contract's words and without a transport:
 * gRPC binds them today, and a simulation may call them directly.
 */
export type ServiceMethods<Service> = {
  readonly [Name in keyof Service]: Service[Name] extends UnaryMethod<infer Request, infer Response>
    ? { readonly kind: "unary"; readonly answer: Answer<Request, Response> }
    : Service[Name] extends BidiMethod<infer Request, infer Response>
      ? { readonly kind: "stream"; readonly serve: Serve<Request, Response> }
      : never;
};

/** What the methods of one listener share. */
export interface MethodEnvironment {
  /** Name of the listener; answers give addresses of the listener of that name. */
  readonly listener: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metadata: ClusterMetadata;
}

/** An error with the leader's address on the client's listener, when it names a leader. */
export function localized(environment: MethodEnvironment, error: unknown): unknown {
  return withLeaderAddress(error, environment.metadata.image, environment.listener);
}

/** A unary entry of a table. */
export function unary<Request, Response>(
  answer: Answer<Request, Response>,
): { readonly kind: "unary"; readonly answer: Answer<Request, Response> } {
  return { kind: "unary", answer };
}

/** A streaming entry of a table. */
export function stream<Request, Response>(
  serve: Serve<Request, Response>,
): { readonly kind: "stream"; readonly serve: Serve<Request, Response> } {
  return { kind: "stream", serve };
}
