import { type BrokerId, type GroupNumber, replicaIdentity } from "@stratalog/base";
import type { SnapshotMessage } from "raft-ts";
import { snapshotData } from "../core/entry-frames.ts";
import { encodeWireMessages } from "../core/wire-codec.ts";
import { NO_FRAMES, type SnapshotPart } from "../core/wire-message.ts";
import type { FrameCodec } from "../ports/frame.ts";
import { PEER_MESSAGE, type PeerLink, type SendResult } from "../ports/peer-link.ts";

/** What a snapshot sender needs. */
export interface SnapshotSenderOptions {
  readonly peers: PeerLink;
  readonly codec: FrameCodec;
  readonly partBytes: number;
  readonly onOutcome: (group: GroupNumber, to: number, outcome: "delivered" | "failed") => void;
}

interface Transfer {
  readonly group: GroupNumber;
  readonly message: SnapshotMessage;
  position: number;
}

/**
 * Sends snapshots in pieces on the bulk lane, as far as its budget allows, and goes on when the
 * lane has drained. At most one transfer per group and follower: the core sends no second one
 * before the first has an outcome.
 */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #transfers = new Map<string, Transfer>();

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** Begins a transfer. */
  send(group: GroupNumber, message: SnapshotMessage): void {
    const transfer = { group, message, position: 0 };
    this.#transfers.set(keyOf(transfer), transfer);
    this.#advance(transfer);
  }

  /** The lane to a peer has room again. */
  resume(peer: BrokerId): void {
    for (const transfer of this.#transfersTo(peer)) this.#advance(transfer);
  }

  /** The connection to a peer is gone, and what was sent on it perhaps with it. */
  abort(peer: BrokerId): void {
    for (const transfer of this.#transfersTo(peer)) this.#finish(transfer, "failed");
  }

  /** The group is gone from this host. */
  drop(group: GroupNumber): void {
    for (const [key, transfer] of this.#transfers) {
      if (transfer.group === group) this.#transfers.delete(key);
    }
  }

  #transfersTo(peer: BrokerId): readonly Transfer[] {
    return [...this.#transfers.values()].filter(
      ({ message }) => replicaIdentity(message.to).brokerId === peer,
    );
  }

  #advance(transfer: Transfer): void {
    const { bytes } = snapshotData(transfer.message.snapshot.data);
    let result: SendResult = "sent";
    // An empty snapshot is one empty piece.
    do {
      const end = Math.min(transfer.position + this.#options.partBytes, bytes.length);
      result = this.#sendPart(transfer, bytes.subarray(transfer.position, end));
      if (result === "sent") transfer.position = end;
    } while (result === "sent" && transfer.position < bytes.length);
    if (result === "down") this.#finish(transfer, "failed");
    else if (result === "sent") this.#finish(transfer, "delivered");
  }

  #sendPart({ group, message, position }: Transfer, bytes: Uint8Array): SendResult {
    const { from, to, term, snapshot } = message;
    const data = snapshotData(snapshot.data);
    const part: SnapshotPart = {
      type: "snapshot-part",
      from,
      to,
      term,
      index: snapshot.index,
      snapshotTerm: snapshot.term,
      confState: snapshot.confState,
      nextOffset: data.nextOffset,
      totalBytes: data.byteLength,
      position,
      bytes,
    };
    const { peers, codec } = this.#options;
    const parts = encodeWireMessages([{ group, message: part, frames: NO_FRAMES }], codec);
    return peers.send(replicaIdentity(to).brokerId, "bulk", PEER_MESSAGE.raft, parts);
  }

  #finish(transfer: Transfer, outcome: "delivered" | "failed"): void {
    this.#transfers.delete(keyOf(transfer));
    this.#options.onOutcome(transfer.group, transfer.message.to, outcome);
  }
}

function keyOf({ group, message }: Transfer): string {
  return `${group} ${message.to}`;
}
