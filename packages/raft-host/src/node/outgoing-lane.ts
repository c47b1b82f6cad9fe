import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { CodedError, type Logger, type Timer, type Timers } from "@stratalog/base";
import { decodeHandshake, encodeHandshake, type HandshakeDecoding } from "../core/handshake.ts";
import { PING_KIND } from "../core/message-assembler.ts";
import { MessageBatch } from "../core/message-batch.ts";
import type {
  Lane,
  PeerAddress,
  PeerDownReason,
  PeerHello,
  PeerMessageKind,
} from "../ports/peer-link.ts";
import type { PeerTls, TcpLimits } from "./tcp-options.ts";

/** What a lane tells its peer. */
export interface OutgoingLaneEvents {
  onOpen(lane: Lane, hello: PeerHello): void;
  /** Called once, whatever ended the connection. */
  onClosed(lane: Lane, reason: PeerDownReason): void;
  onDrained(lane: Lane): void;
  /** A text says why the other side is not welcome. */
  checkWelcome(hello: PeerHello): string | undefined;
}

/** What one lane needs to live. */
export interface OutgoingLaneOptions {
  readonly lane: Lane;
  readonly address: PeerAddress;
  readonly hello: PeerHello;
  readonly limits: TcpLimits;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly tls?: PeerTls | undefined;
  readonly events: OutgoingLaneEvents;
}

type LaneState = "greeting" | "open" | "closed";

const NO_BYTES = new Uint8Array(0);

/**
 * One connection that this broker dialled and sends one lane's messages on. What is sent within one
 * turn leaves as one vectored write. The other end sends nothing but its handshake and answers to
 * pings.
 *
 * Invariant: bytes not yet taken by the kernel ≤ the lane's budget plus one message.
 */
export class OutgoingLane {
  readonly #options: OutgoingLaneOptions;
  readonly #budgetBytes: number;
  readonly #socket: Socket;
  readonly #handshakeTimer: Timer;
  readonly #batch = new MessageBatch();
  #state: LaneState = "greeting";
  #downReason: PeerDownReason = "closed";
  #greeting = NO_BYTES;
  #bytesInFlight = 0;
  #isFlushScheduled = false;
  #isBlocked = false;
  #unansweredPings = 0;

  constructor(options: OutgoingLaneOptions) {
    this.#options = options;
    const { limits, lane, address, timers, tls } = options;
    this.#budgetBytes = lane === "control" ? limits.controlBytesMax : limits.bulkBytesMax;
    this.#socket = dial(address, tls);
    this.#handshakeTimer = timers.after(limits.handshakeTimeoutMs, () => this.close("silent"));
    this.#socket.on(tls === undefined ? "connect" : "secureConnect", () => {
      this.#socket.write(encodeHandshake({ type: "hello", lane, hello: options.hello }));
    });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#handleError(error));
    this.#socket.on("close", () => this.#handleClose());
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Queues one message for this turn's write. */
  send(kind: PeerMessageKind, parts: readonly Uint8Array[]): "sent" | "full" | "down" {
    if (this.#state !== "open") return "down";
    let payloadBytes = 0;
    for (const part of parts) payloadBytes += part.byteLength;
    if (payloadBytes >= this.#options.limits.messageBytesMax) {
      const limit = this.#options.limits.messageBytesMax;
      throw new CodedError("MESSAGE_TOO_LARGE", `peer message over ${limit} bytes`);
    }
    const pendingBytes = this.#bytesInFlight + this.#batch.sizeBytes;
    // A message larger than the whole budget still passes when nothing else is on its way.
    if (pendingBytes > 0 && pendingBytes + payloadBytes > this.#budgetBytes) {
      this.#isBlocked = true;
      return "full";
    }
    this.#batch.add(kind, parts, payloadBytes);
    this.#scheduleFlush();
    return "sent";
  }

  /** Asks for a sign of life, or gives the peer up when too many were not answered. */
  ping(): void {
    if (this.#state !== "open") return;
    // Counted in pings and not in time: a process that was itself paused reads its sockets between
    // two pings.
    if (this.#unansweredPings >= this.#options.limits.silentPingCount) {
      this.close("silent");
      return;
    }
    this.#unansweredPings++;
    this.#batch.add(PING_KIND, [], 0);
    this.#scheduleFlush();
  }

  /** Ends the connection; `onClosed` follows with `reason`. */
  close(reason: PeerDownReason): void {
    if (this.#state === "closed") return;
    this.#downReason = reason;
    this.#socket.destroy();
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    if (this.#state !== "open") return;
    const bytes = this.#batch.sizeBytes;
    const chunks = this.#batch.take();
    const last = chunks.length - 1;
    this.#bytesInFlight += bytes;
    this.#socket.cork();
    for (const [index, chunk] of chunks.entries()) {
      if (index < last) this.#socket.write(chunk);
      else this.#socket.write(chunk, () => this.#handleWritten(bytes));
    }
    this.#socket.uncork();
  }

  #handleWritten(bytes: number): void {
    this.#bytesInFlight -= bytes;
    const pendingBytes = this.#bytesInFlight + this.#batch.sizeBytes;
    if (!this.#isBlocked || this.#state !== "open" || pendingBytes > this.#budgetBytes / 2) return;
    this.#isBlocked = false;
    this.#options.events.onDrained(this.#options.lane);
  }

  #receive(chunk: Uint8Array): void {
    this.#unansweredPings = 0;
    if (this.#state !== "greeting") return;
    const joined = new Uint8Array(this.#greeting.length + chunk.length);
    joined.set(this.#greeting);
    joined.set(chunk, this.#greeting.length);
    this.#greeting = joined;
    this.#handleHandshake(decodeHandshake(joined));
  }

  #handleHandshake(decoding: HandshakeDecoding): void {
    if (decoding.kind === "incomplete") return;
    const problem = this.#findProblem(decoding);
    if (decoding.kind === "handshake" && decoding.handshake.type === "welcome" && !problem) {
      this.#state = "open";
      this.#greeting = NO_BYTES;
      this.#handshakeTimer.cancel();
      this.#options.events.onOpen(this.#options.lane, decoding.handshake.hello);
      return;
    }
    this.#options.logger.warn({ ...this.#options.address, problem }, "peer handshake failed");
    this.close("rejected");
  }

  #findProblem(decoding: HandshakeDecoding): string | undefined {
    if (decoding.kind === "malformed") return decoding.reason;
    if (decoding.kind === "incomplete") return "incomplete handshake";
    const { handshake } = decoding;
    if (handshake.type === "refusal") {
      // This side learns who refused it too: a broker with another cluster's directory must be
      // told.
      const { hello, reason } = handshake;
      return (hello && this.#options.events.checkWelcome(hello)) ?? reason;
    }
    if (handshake.type === "hello") return "both sides dialled on one connection";
    return this.#options.events.checkWelcome(handshake.hello);
  }

  #handleError(error: Error): void {
    const code = "code" in error ? error.code : undefined;
    // Only the host of a dead process refuses; an unreachable host says nothing about the process.
    if (code === "ECONNREFUSED") this.#downReason = "refused";
    else if (isTlsFailure(code)) {
      this.#downReason = "rejected";
      const { address, logger } = this.#options;
      logger.warn({ ...address, problem: error.message }, "peer TLS handshake failed");
    } else if (code !== "ECONNRESET" && code !== "EPIPE") this.#downReason = "silent";
    this.#options.logger.debug({ ...this.#options.address, code }, "peer connection failed");
  }

  #handleClose(): void {
    this.#state = "closed";
    this.#handshakeTimer.cancel();
    this.#options.events.onClosed(this.#options.lane, this.#downReason);
  }
}

/** Connects; with TLS the other side must be who its host name or address says. */
function dial(address: PeerAddress, tls: PeerTls | undefined): Socket {
  const options = { ...address, noDelay: true, keepAlive: true };
  return tls === undefined ? connect(options) : connectTls({ ...options, ...tls.current });
}

/** Certificates or protocols that do not fit; a broken connection is none. */
function isTlsFailure(code: unknown): boolean {
  return typeof code === "string" && /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_|DEPTH_|SELF_)/.test(code);
}
