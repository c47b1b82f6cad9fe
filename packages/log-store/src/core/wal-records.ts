import { assert } from "@stratalog/base";
import { readUint32, readUint64, writeUint32, writeUint64 } from "./bytes.ts";
import type { Frame } from "./frame.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { decodeFrameHeader, type FrameHeader, frameHeaderBytes } from "./frame-codec.ts";
import type { StoredHardState } from "./hard-state.ts";

// Records of a WAL batch's table, big-endian; each begins with {type u32, group u32}:
//
//   1 ENTRY       8  40  the frame's header; its payload follows the table, in the order of the
// entries
//   2 HARD-STATE  8   4  term   12  4  zero   16  8  vote   24  8  commit
//   3 TRUNCATE    8   8  first index removed   16  8  next offset after it
//   4 RESET       8   8  index   16  4  term   20  4  zero   24  8  next offset
//   5 DROP        8   8  replica epoch
const ENTRY = 1;
const HARD_STATE = 2;
const TRUNCATE = 3;
const RESET = 4;
const DROP = 5;

const RECORD_PREFIX_BYTES = 8;
const ENTRY_BYTES = RECORD_PREFIX_BYTES + FRAME_HEADER_BYTES;
const HARD_STATE_BYTES = 32;
const TRUNCATE_BYTES = 24;
const RESET_BYTES = 32;
const DROP_BYTES = 16;

/** Where a snapshot ended: what replaces a log. */
export interface LogReset {
  readonly index: number;
  readonly term: number;
  readonly nextOffset: number;
}

/**
 * A record read back. An entry's payload begins `payloadPosition` bytes into the batch's payloads.
 */
export type WalRecord =
  | {
      readonly type: "entry";
      readonly group: number;
      readonly header: FrameHeader;
      readonly payloadPosition: number;
    }
  | { readonly type: "hard-state"; readonly group: number; readonly hardState: StoredHardState }
  | {
      readonly type: "truncate";
      readonly group: number;
      readonly from: number;
      readonly nextOffset: number;
    }
  | { readonly type: "reset"; readonly group: number; readonly reset: LogReset }
  | { readonly type: "drop"; readonly group: number; readonly replicaEpoch: number };

/** A record table as it grows. The bytes belong to the table until `clear`. */
export class WalRecordTable {
  #bytes: Uint8Array;
  #length = 0;
  recordCount = 0;

  constructor(initialBytes = 1024) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get sizeBytes(): number {
    return this.#length;
  }

  addEntry(group: number, frame: Frame): void {
    const at = this.#begin(ENTRY, group, ENTRY_BYTES);
    this.#bytes.set(frameHeaderBytes(group, frame), at + RECORD_PREFIX_BYTES);
  }

  addHardState(group: number, hardState: StoredHardState): void {
    const at = this.#begin(HARD_STATE, group, HARD_STATE_BYTES);
    writeUint32(this.#bytes, at + 8, hardState.term);
    writeUint32(this.#bytes, at + 12, 0);
    writeUint64(this.#bytes, at + 16, hardState.vote);
    writeUint64(this.#bytes, at + 24, hardState.commit);
  }

  addTruncate(group: number, from: number, nextOffset: number): void {
    const at = this.#begin(TRUNCATE, group, TRUNCATE_BYTES);
    writeUint64(this.#bytes, at + 8, from);
    writeUint64(this.#bytes, at + 16, nextOffset);
  }

  addReset(group: number, reset: LogReset): void {
    const at = this.#begin(RESET, group, RESET_BYTES);
    writeUint64(this.#bytes, at + 8, reset.index);
    writeUint32(this.#bytes, at + 16, reset.term);
    writeUint32(this.#bytes, at + 20, 0);
    writeUint64(this.#bytes, at + 24, reset.nextOffset);
  }

  addDrop(group: number, replicaEpoch: number): void {
    const at = this.#begin(DROP, group, DROP_BYTES);
    writeUint64(this.#bytes, at + 8, replicaEpoch);
  }

  #begin(type: number, group: number, sizeBytes: number): number {
    const at = this.#length;
    this.#length += sizeBytes;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    writeUint32(this.#bytes, at, type);
    writeUint32(this.#bytes, at + 4, group);
    this.recordCount++;
    return at;
  }
}

/**
 * The records of a table whose checksum holds, or undefined when they do not parse: with a good
 * checksum, a bug or a newer version.
 */
export function decodeWalRecords(table: Uint8Array): readonly WalRecord[] | undefined {
  const records: WalRecord[] = [];
  let position = 0;
  let payloadPosition = 0;
  while (position < table.length) {
    const decoded = decodeRecord(table, position, payloadPosition);
    if (decoded === undefined) return undefined;
    records.push(decoded.record);
    position = decoded.end;
    if (decoded.record.type === "entry") payloadPosition += decoded.record.header.payloadBytes;
  }
  assert(position === table.length, "a WAL record ends with its table");
  return records;
}

function decodeRecord(
  table: Uint8Array,
  at: number,
  payloadPosition: number,
): { readonly record: WalRecord; readonly end: number } | undefined {
  const room = table.length - at;
  if (room < DROP_BYTES) return undefined;
  const group = readUint32(table, at + 4);
  switch (readUint32(table, at)) {
    case ENTRY: {
      if (room < ENTRY_BYTES) return undefined;
      const decoded = decodeFrameHeader(group, table, at + RECORD_PREFIX_BYTES);
      if (!decoded.ok) return undefined;
      const record = { type: "entry", group, header: decoded.header, payloadPosition } as const;
      return { record, end: at + ENTRY_BYTES };
    }
    case HARD_STATE: {
      if (room < HARD_STATE_BYTES) return undefined;
      const hardState = {
        term: readUint32(table, at + 8),
        vote: readUint64(table, at + 16),
        commit: readUint64(table, at + 24),
      };
      return { record: { type: "hard-state", group, hardState }, end: at + HARD_STATE_BYTES };
    }
    case TRUNCATE: {
      if (room < TRUNCATE_BYTES) return undefined;
      const from = readUint64(table, at + 8);
      const nextOffset = readUint64(table, at + 16);
      return { record: { type: "truncate", group, from, nextOffset }, end: at + TRUNCATE_BYTES };
    }
    case RESET: {
      if (room < RESET_BYTES) return undefined;
      const reset = {
        index: readUint64(table, at + 8),
        term: readUint32(table, at + 16),
        nextOffset: readUint64(table, at + 24),
      };
      return { record: { type: "reset", group, reset }, end: at + RESET_BYTES };
    }
    case DROP: {
      const replicaEpoch = readUint64(table, at + 8);
      return { record: { type: "drop", group, replicaEpoch }, end: at + DROP_BYTES };
    }
    default:
      return undefined;
  }
}
