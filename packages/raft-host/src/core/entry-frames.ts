import { assert } from "@stratalog/base";
import type { ConfChangeEntry, Entry, EntryData } from "raft-ts";
import type { Frame } from "../ports/frame.ts";
import { decodeConfChange } from "./conf-change-codec.ts";
import { MalformedMessageError } from "./malformed-message-error.ts";

/**
 * A configuration entry that remembers the frame it was read from; the core passes entries on as
 * they are.
 */
interface FramedConfChange extends ConfChangeEntry {
  readonly frame: Frame;
}

/**
 * The entry that a stored or received frame is. Throws MalformedMessageError when a configuration
 * does not parse.
 */
export function entryOf(frame: Frame): Entry {
  const { index, term } = frame;
  if (frame.kind !== "config") return { type: "normal", index, term, data: frame };
  const change = decodeConfChange(frame.payload);
  if (change === undefined) throw new MalformedMessageError(`configuration at index ${index}`);
  const entry: FramedConfChange = { type: "conf-change", index, term, change, frame };
  return entry;
}

/**
 * The frame inside an entry; undefined for what this replica's own core appended: a new leader's
 * no-op, and configuration changes.
 */
export function frameIn(entry: Entry): Frame | undefined {
  if (entry.type === "conf-change") return isFramed(entry) ? entry.frame : undefined;
  if (entry.data === undefined) return undefined;
  assert(isFrame(entry.data), `entry ${entry.index} carries something else than a frame`);
  return entry.data;
}

function isFramed(entry: ConfChangeEntry): entry is FramedConfChange {
  return "frame" in entry;
}

function isFrame(data: EntryData): data is Frame {
  return "payload" in data && "baseOffset" in data;
}

/** Bytes of a snapshot as they travel through the core. */
export class SnapshotData implements EntryData {
  readonly bytes: Uint8Array;
  /** Offset that the first record above the snapshot takes. */
  readonly nextOffset: number;

  constructor(bytes: Uint8Array, nextOffset: number) {
    this.bytes = bytes;
    this.nextOffset = nextOffset;
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }
}

/** The snapshot's own data; a snapshot never carries anything else here. */
export function snapshotData(data: EntryData | undefined): SnapshotData {
  assert(data instanceof SnapshotData, "a snapshot carries something else than snapshot data");
  return data;
}
