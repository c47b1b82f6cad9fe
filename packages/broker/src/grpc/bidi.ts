import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { CodedError, ErrorCode } from "@stratalog/base";
import { type Input, invalidRequest, Malformed } from "@stratalog/protocol";
import type { Principal } from "../services/principal.ts";
import type { OpenStream, Serve, StreamHandler } from "../services/rpc/method.ts";
import { type CallEnvironment, failure } from "./call-environment.ts";
import { principalOf } from "./connection-principal.ts";
import type { CallGuard } from "./call-guard.ts";
import { StreamWriter } from "./stream-writer.ts";

/** Makes the library's handler of a stream out of ours. */
export function bidi<Request, Response>(
  environment: CallEnvironment,
  serve: Serve<Request, Response>,
): handleBidiStreamingCall<Request | Malformed, Input<Response>> {
  return (call) => {
    new BidiCall(environment, call).run(serve);
  };
}

/** One stream from its opening to its end. */
class BidiCall<Request, Response> implements OpenStream<Response> {
  readonly #environment: CallEnvironment;
  readonly #call: ServerDuplexStream<Request | Malformed, Input<Response>>;
  readonly #writer: StreamWriter<Input<Response>>;
  readonly #guard: CallGuard;
  readonly #method: string;
  #handler: StreamHandler<Request> | undefined;
  #isOver = false;
  /** Why it is to end when what it has begun is answered. */
  #drainReason: CodedError | undefined;
  #forget: () => void = () => {};

  constructor(
    environment: CallEnvironment,
    call: ServerDuplexStream<Request | Malformed, Input<Response>>,
  ) {
    this.#environment = environment;
    this.#call = call;
    this.#method = call.getPath();
    this.#guard = environment.guards.of(call.metadata);
    this.#writer = new StreamWriter(call, () => this.#handler?.onWritable());
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get principal(): Principal {
    return principalOf(this.#call);
  }

  get isWritable(): boolean {
    if (!this.#writer.isWritable) return false;
    if (!this.#guard.isCrowded) return true;
    this.#guard.onRoom(() => this.#guarded(() => this.#handler?.onWritable()));
    return false;
  }

  run(serve: Serve<Request, Response>): void {
    const call = this.#call;
    this.#environment.metrics.streamOpened(this.#method);
    // The library reports every way in which a stream may end by one or more of these.
    call.on("cancelled", () => this.#finish("ABORTED"));
    call.on("error", () => this.#finish("INTERNAL"));
    call.on("close", () => this.#finish("ABORTED"));
    this.#guarded(() => {
      this.#handler = serve(this);
    });
    call.on("data", (message: Request | Malformed) => {
      this.#guarded(() => this.#receive(message));
    });
    call.on("end", () => this.#guarded(() => this.#handler?.onEnd()));
    this.#forget = this.#environment.calls.add({
      connection: this.#guard.connection,
      end: (reason) => this.#drain(reason),
    });
    if (this.#isOver) this.#forget();
  }

  write(response: Input<Response>): void {
    this.#writer.write(response);
  }

  setReading(isReading: boolean): void {
    this.#guard.gate.set(isReading);
  }

  setHeldBytes(bytes: number): boolean {
    return this.#guard.setStateBytes(bytes);
  }

  end(): void {
    if (this.#drainReason !== undefined) {
      this.fail(this.#drainReason);
      return;
    }
    if (!this.#finish("OK")) return;
    this.#call.end();
  }

  fail(error: unknown): void {
    const { status, code } = failure(this.#environment, this.#method, error);
    if (!this.#finish(code)) return;
    // The library's own way to end a stream with a status; it is listened to above.
    this.#call.emit("error", status);
  }

  /**
   * As if the client had ended its side: what it was promised is kept, and nothing more is taken
   * on.
   */
  #drain(reason: CodedError): void {
    this.#drainReason ??= reason;
    this.setReading(false);
    this.#guarded(() => this.#handler?.onEnd());
  }

  #receive(message: Request | Malformed): void {
    if (this.#isOver) return;
    if (message instanceof Malformed) throw invalidRequest(`not protobuf: ${message.reason}`);
    this.#handler?.onMessage(message);
  }

  /** Runs the handler's code; what it throws ends the stream and never the process. */
  #guarded(task: () => void): void {
    if (this.#isOver) return;
    try {
      task();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Says whether the stream was still open. */
  #finish(code: ErrorCode | "OK"): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#forget();
    this.#writer.close();
    this.#environment.metrics.streamClosed(this.#method, code);
    this.#handler?.onClose();
    this.#guard.setStateBytes(0);
    // A held read would keep the call's buffers; the library drops what is read after the end.
    this.setReading(true);
    return true;
  }
}
