import type { GroupNumber } from "@stratalog/base";
import type { SnapshotMessage } from "raft-ts";
import { SnapshotData } from "../core/entry-frames.ts";
import type { SnapshotPart } from "../core/wire-message.ts";

interface Assembly {
  readonly first: SnapshotPart;
  readonly pieces: Uint8Array[];
  receivedBytes: number;
}

/** Bounds of a snapshot receiver. */
export interface SnapshotReceiverLimits {
  readonly snapshotBytesMax: number;
  readonly snapshotCountMax: number;
}

/**
 * Puts the pieces of snapshots together. Pieces of one snapshot come in order; a piece that does
 * not follow the one before belongs to a transfer that was cut off, and the whole of it is
 * forgotten: the leader sends it anew.
 */
export class SnapshotReceiver {
  readonly #limits: SnapshotReceiverLimits;
  readonly #assemblies = new Map<string, Assembly>();

  constructor(limits: SnapshotReceiverLimits) {
    this.#limits = limits;
  }

  /** Takes a piece; answers with the snapshot once it is whole. */
  add(group: GroupNumber, part: SnapshotPart): SnapshotMessage | undefined {
    const key = `${group} ${part.to} ${part.from}`;
    if (part.position === 0) this.#begin(key, part);
    const assembly = this.#assemblies.get(key);
    if (assembly === undefined) return undefined;
    if (!continues(assembly, part)) {
      this.#assemblies.delete(key);
      return undefined;
    }
    assembly.pieces.push(part.bytes);
    assembly.receivedBytes += part.bytes.length;
    if (assembly.receivedBytes < part.totalBytes) return undefined;
    this.#assemblies.delete(key);
    return toMessage(assembly);
  }

  /** The group is gone from this host. */
  drop(group: GroupNumber): void {
    for (const key of this.#assemblies.keys()) {
      if (key.startsWith(`${group} `)) this.#assemblies.delete(key);
    }
  }

  #begin(key: string, part: SnapshotPart): void {
    this.#assemblies.delete(key);
    if (part.totalBytes > this.#limits.snapshotBytesMax) return;
    if (this.#assemblies.size >= this.#limits.snapshotCountMax) {
      // The oldest may never go on; its leader begins again if it still wants to.
      const [oldest] = this.#assemblies.keys();
      if (oldest !== undefined) this.#assemblies.delete(oldest);
    }
    this.#assemblies.set(key, { first: part, pieces: [], receivedBytes: 0 });
  }
}

function continues({ first, receivedBytes }: Assembly, part: SnapshotPart): boolean {
  return (
    part.position === receivedBytes &&
    part.index === first.index &&
    part.snapshotTerm === first.snapshotTerm &&
    part.totalBytes === first.totalBytes &&
    receivedBytes + part.bytes.length <= first.totalBytes
  );
}

function toMessage({ first, pieces, receivedBytes }: Assembly): SnapshotMessage {
  const bytes = new Uint8Array(receivedBytes);
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  const { from, to, term, index, snapshotTerm, confState, nextOffset } = first;
  const data = new SnapshotData(bytes, nextOffset);
  return {
    type: "snapshot",
    from,
    to,
    term,
    snapshot: { index, term: snapshotTerm, confState, data },
  };
}
