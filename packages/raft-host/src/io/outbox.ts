import type { BrokerId } from "@stratalog/base";
import { encodeWireMessages } from "../core/wire-codec.ts";
import type { WireMessage } from "../core/wire-message.ts";
import type { FrameCodec } from "../ports/frame.ts";
import { type Lane, PEER_MESSAGE, type PeerLink } from "../ports/peer-link.ts";

/** Appends and snapshots go on the bulk lane, everything else must never wait behind them. */
export function laneOf(message: WireMessage): Lane {
  const { type } = message.message;
  return type === "append" || type === "snapshot-part" ? "bulk" : "control";
}

/** What the outbox needs. */
export interface OutboxOptions {
  readonly peers: PeerLink;
  readonly codec: FrameCodec;
  readonly batchBytesMax: number;
  /** The link did not take the message. */
  readonly onUndelivered: (to: BrokerId, message: WireMessage) => void;
}

const ROW_BYTES = 24;

/**
 * Gathers one turn's messages of all groups, and hands them over as one batch per peer and lane (or
 * a few, when they are large). Nothing stays here between turns: what the link does not take is
 * given back as undelivered.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #waiting = new Map<BrokerId, { control: WireMessage[]; bulk: WireMessage[] }>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  add(to: BrokerId, message: WireMessage): void {
    let lanes = this.#waiting.get(to);
    if (lanes === undefined) {
      lanes = { control: [], bulk: [] };
      this.#waiting.set(to, lanes);
    }
    lanes[laneOf(message)].push(message);
  }

  /** Sends everything that waits. */
  flush(): void {
    for (const [to, lanes] of this.#waiting) {
      if (lanes.control.length > 0) this.#flushLane(to, "control", lanes.control);
      if (lanes.bulk.length > 0) this.#flushLane(to, "bulk", lanes.bulk);
    }
    this.#waiting.clear();
  }

  #flushLane(to: BrokerId, lane: Lane, messages: readonly WireMessage[]): void {
    let start = 0;
    while (start < messages.length) {
      const end = this.#batchEnd(messages, start);
      const parts = encodeWireMessages(messages.slice(start, end), this.#options.codec);
      if (this.#options.peers.send(to, lane, PEER_MESSAGE.raft, parts) !== "sent") break;
      start = end;
    }
    for (const message of messages.slice(start)) this.#options.onUndelivered(to, message);
  }

  /** Where the batch that begins at `start` ends: before it would grow over its size. */
  #batchEnd(messages: readonly WireMessage[], start: number): number {
    let bytes = 0;
    for (let end = start; end < messages.length; end++) {
      const message = messages[end];
      if (message === undefined) return end;
      bytes += sizeOf(message);
      if (bytes > this.#options.batchBytesMax && end > start) return end;
    }
    return messages.length;
  }
}

function sizeOf({ message, frames }: WireMessage): number {
  let bytes = ROW_BYTES;
  if (message.type === "snapshot-part") bytes += message.bytes.byteLength;
  for (const frame of frames) bytes += frame.byteLength;
  return bytes;
}
