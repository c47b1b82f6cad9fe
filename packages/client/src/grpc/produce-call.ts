import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { Metadata, status as Status } from "@grpc/grpc-js";
import { CodedError } from "@stratalog/base";
import {
  encodeProduceParts,
  fromCallError,
  type Input,
  messageCodec,
  type ProduceStreamRequest,
  type ProduceStreamResponse,
} from "@stratalog/protocol";
import type { OutgoingStream, StreamListener } from "../ports/transport.ts";
import { GrpcMessages, MESSAGE_PREFIX_BYTES, messagePrefix } from "./grpc-messages.ts";

/** What a call needs to know of its connection. */
export interface ProduceCallOptions {
  readonly address: string;
  readonly listener: StreamListener<ProduceStreamResponse>;
  /** Whether anything can have been sent. */
  readonly wasConnected: () => boolean;
  /** The stream is gone. */
  readonly onClosed: () => void;
}

/**
 * Bytes on their way to the socket at which the caller should wait: more only makes records older
 * before they leave.
 */
const CONGESTED_BYTES = 1024 * 1024;

const responseCodec = messageCodec<ProduceStreamResponse>("ProduceStreamResponse");

/** One produce stream as gRPC has it on the wire. */
export class ProduceCall implements OutgoingStream<Input<ProduceStreamRequest>> {
  readonly #stream: ClientHttp2Stream;
  readonly #options: ProduceCallOptions;
  readonly #messages = new GrpcMessages((bytes) => {
    this.#options.listener.onMessage(responseCodec.decode(bytes));
  });
  #pendingBytes = 0;
  #drained: (() => void) | undefined;
  #isEnded = false;
  #isCancelled = false;
  #failure: Error | undefined;

  constructor(stream: ClientHttp2Stream, options: ProduceCallOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on("response", (headers) => this.#receiveHeaders(headers));
    stream.on("trailers", (headers) => this.#receiveStatus(headers));
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (error: Error) => {
      this.#failure = error;
    });
    stream.on("close", () => {
      this.#finish(this.#brokenError());
      options.onClosed();
    });
  }

  write(request: Input<ProduceStreamRequest>): boolean {
    if (this.#isEnded || this.#stream.closed) return true;
    const parts = encodeProduceParts(request);
    const sizeBytes = parts.reduce((sum, { length }) => sum + length, 0);
    this.#pendingBytes += sizeBytes;
    this.#stream.cork();
    this.#stream.write(messagePrefix(sizeBytes), () => {
      this.#pendingBytes -= MESSAGE_PREFIX_BYTES;
    });
    this.#pendingBytes += MESSAGE_PREFIX_BYTES;
    for (const part of parts) this.#stream.write(part, () => this.#handleWritten(part.length));
    this.#stream.uncork();
    return this.#pendingBytes < CONGESTED_BYTES;
  }

  onDrain(callback: () => void): void {
    if (!this.#isEnded) this.#drained = callback;
  }

  end(): void {
    this.#stream.end();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #handleWritten(sizeBytes: number): void {
    this.#pendingBytes -= sizeBytes;
    const drained = this.#drained;
    if (drained === undefined || this.#pendingBytes > CONGESTED_BYTES / 2) return;
    this.#drained = undefined;
    drained();
  }

  #receive(chunk: Buffer): void {
    if (this.#isEnded) return;
    try {
      this.#messages.push(chunk);
    } catch (error) {
      this.#finish(CodedError.from(error));
      this.cancel();
    }
  }

  /** Headers alone may carry the status already: a call that was refused. */
  #receiveHeaders(
    headers: IncomingHttpHeaders & { readonly ":status"?: number | undefined },
  ): void {
    if (headers["grpc-status"] !== undefined) this.#receiveStatus(headers);
    else if (headers[":status"] !== constants.HTTP_STATUS_OK) {
      const what = `HTTP status ${headers[":status"] ?? "none"}: not a broker of ours`;
      this.#finish(this.#callError(Status.UNIMPLEMENTED, what));
      this.cancel();
    }
  }

  #receiveStatus(headers: IncomingHttpHeaders): void {
    const code = Number(headers["grpc-status"]);
    const { address } = this.#options;
    if (code === Status.OK) {
      this.#finish(new CodedError("REQUEST_TIMED_OUT", `${address} ended the stream`));
      return;
    }
    const text = headers["grpc-message"];
    const details = typeof text === "string" ? percentDecoded(text) : "";
    const isKnown = Number.isInteger(code) && code in Status;
    const metadata = Metadata.fromHttp2Headers(headers);
    this.#finish(this.#callError(isKnown ? code : Status.UNKNOWN, details, metadata));
  }

  /** Why a stream is over that came to no status. */
  #brokenError(): CodedError {
    const why = this.#failure?.message ?? "the connection ended";
    // The text tells that nothing was sent, as the library's own does.
    const isSent = this.#options.wasConnected();
    const text = isSent ? why : `No connection established. Last error: ${why}`;
    return this.#callError(Status.UNAVAILABLE, text);
  }

  #callError(code: Status, details: string, metadata = new Metadata()): CodedError {
    const cause = new Error(`${this.#options.address}: ${details}`, { cause: this.#failure });
    return fromCallError(Object.assign(cause, { code, details, metadata }));
  }

  #finish(error: CodedError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#drained = undefined;
    const { address, listener } = this.#options;
    const closed = new CodedError("CLOSED", `the connection to ${address} was closed`);
    // The broker's half alone ends with its status; ours would keep stream and connection open.
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
    listener.onEnd(this.#isCancelled ? closed : error);
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not what the specification asks for, and better than nothing.
    return text;
  }
}
