import type { Socket } from "node:net";
import type { BrokerId, Logger, Timer, Timers } from "@stratalog/base";
import { decodeHandshake, encodeHandshake, HANDSHAKE_HEADER_BYTES } from "../core/handshake.ts";
import { HANDSHAKE_TEXT_BYTES_MAX } from "../core/handshake.ts";
import { MalformedMessageError } from "../core/malformed-message-error.ts";
import { MessageAssembler, PING_KIND } from "../core/message-assembler.ts";
import {
  type Lane,
  PEER_MESSAGE,
  type PeerHello,
  type PeerMessageKind,
} from "../ports/peer-link.ts";
import { readSocket } from "./socket-reader.ts";
import type { TcpLimits } from "./tcp-options.ts";

/** The answer to a hello. */
export interface HelloAnswer {
  readonly hello: PeerHello;
  readonly refusal: string | undefined;
}

/** What an accepted connection tells the link. */
export interface IncomingEvents {
  /** What to answer a hello with; `refusal` says why the connection ends. */
  onHello(connection: IncomingConnection, lane: Lane, hello: PeerHello): HelloAnswer;
  onMessage(from: BrokerId, lane: Lane, kind: PeerMessageKind, payload: Uint8Array): void;
  onClosed(connection: IncomingConnection): void;
}

/** What an accepted connection needs. */
export interface IncomingOptions {
  readonly socket: Socket;
  readonly limits: TcpLimits;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly events: IncomingEvents;
}

const PONG = new Uint8Array([PING_KIND]);
/** Answers to pings that may wait for a peer that does not read; a living one reads at once. */
const PONG_BACKLOG_MAX = 64;
const HANDSHAKE_BYTES_MAX = HANDSHAKE_HEADER_BYTES + HANDSHAKE_TEXT_BYTES_MAX;
const KINDS: ReadonlySet<number> = new Set(Object.values(PEER_MESSAGE));
const NO_BYTES = new Uint8Array(0);

/** A Buffer's slice() is a view where a Uint8Array's is a copy: receivers get the plain kind. */
function allocate(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}

function isPeerMessageKind(kind: number): kind is PeerMessageKind {
  return KINDS.has(kind);
}

/**
 * A connection that was accepted: first a stranger with a deadline, then one lane of a peer's
 * messages.
 */
export class IncomingConnection {
  readonly #options: IncomingOptions;
  readonly #socket: Socket;
  readonly #handshakeTimer: Timer;
  readonly #assembler: MessageAssembler;
  #sender: { readonly peer: BrokerId; readonly lane: Lane } | undefined;
  #greeting = NO_BYTES;
  readonly #strangerMemory = new Uint8Array(HANDSHAKE_BYTES_MAX);
  #isClosed = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
    const { limits, timers, events } = options;
    this.#assembler = new MessageAssembler(
      limits.messageBytesMax,
      (kind, payload) => this.#deliver(kind, payload),
      allocate,
    );
    const socket = readSocket(options.socket, {
      target: () => (this.#sender === undefined ? this.#strangerMemory : this.#assembler.target),
      filled: (count) => this.#receive(count),
    });
    this.#socket = socket;
    this.#handshakeTimer = timers.after(limits.handshakeTimeoutMs, () => this.close());
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on("error", (error) => {
      options.logger.debug({ reason: error.message }, "accepted peer connection failed");
    });
    socket.on("close", () => {
      this.#isClosed = true;
      this.#handshakeTimer.cancel();
      events.onClosed(this);
    });
  }

  get isGreeting(): boolean {
    return this.#sender === undefined;
  }

  /** Whose connection it is; undefined before its hello was accepted. */
  get peer(): BrokerId | undefined {
    return this.#sender?.peer;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #receive(count: number): void {
    if (this.#isClosed) return;
    try {
      if (this.#sender === undefined) this.#greet(this.#strangerMemory.subarray(0, count));
      else this.#assembler.filled(count);
    } catch (error) {
      // Malformed bytes end the connection; anything else is a bug and must not be hidden here.
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#options.logger.warn(
        { reason: error.message, peer: this.#sender?.peer },
        "closed a peer connection after malformed bytes",
      );
      this.close();
    }
  }

  #greet(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#greeting.length + chunk.length);
    bytes.set(this.#greeting);
    bytes.set(chunk, this.#greeting.length);
    const decoding = decodeHandshake(bytes);
    if (decoding.kind === "malformed") throw new MalformedMessageError(decoding.reason);
    if (decoding.kind === "incomplete") {
      if (bytes.length > HANDSHAKE_BYTES_MAX) throw new MalformedMessageError("endless handshake");
      this.#greeting = bytes;
      return;
    }
    const { handshake, endPosition } = decoding;
    if (handshake.type !== "hello") throw new MalformedMessageError("not a hello");
    const { events } = this.#options;
    const answer = events.onHello(this, handshake.lane, handshake.hello);
    if (answer.refusal !== undefined) {
      this.#isClosed = true;
      const { hello, refusal: reason } = answer;
      this.#socket.end(encodeHandshake({ type: "refusal", reason, hello }));
      return;
    }
    this.#sender = { peer: handshake.hello.brokerId, lane: handshake.lane };
    this.#greeting = NO_BYTES;
    this.#handshakeTimer.cancel();
    this.#socket.write(encodeHandshake({ type: "welcome", hello: answer.hello }));
    if (endPosition < bytes.length) this.#assembler.push(bytes.subarray(endPosition));
  }

  #deliver(kind: number, payload: Uint8Array): void {
    // A handler may have closed this connection in the middle of a chunk.
    if (this.#isClosed || this.#sender === undefined) return;
    if (kind === PING_KIND) {
      if (this.#socket.writableLength < PONG_BACKLOG_MAX) this.#socket.write(PONG);
      return;
    }
    if (!isPeerMessageKind(kind)) throw new MalformedMessageError(`message of kind ${kind}`);
    this.#options.events.onMessage(this.#sender.peer, this.#sender.lane, kind, payload);
  }
}
