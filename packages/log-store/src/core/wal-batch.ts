import { crc32c } from "@stratalog/record-batch";
import { alignUp, mergeSmallParts } from "./bytes.ts";
import type { Frame } from "./frame.ts";
import type { RecordSink } from "./group-state.ts";
import type { StoredHardState } from "./hard-state.ts";
import {
  encodeWalBatchHeader,
  lifeSeed,
  WAL_ALIGNMENT_BYTES,
  WAL_BATCH_HEADER_BYTES,
} from "./wal-batch-header.ts";
import { type LogReset, WalRecordTable } from "./wal-records.ts";

/** Parts below this size are merged by a copy. */
const SMALL_PART_BYTES = 2048;

/** What one group commit writes: the records of all groups that gathered since the last one. */
export class WalBatch implements RecordSink {
  readonly batch: number;
  /** Called in order once the batch is synced. */
  readonly completions: (() => void)[] = [];
  /** The hard states that this batch changes; undefined: the group was dropped. */
  readonly hardStates = new Map<number, StoredHardState | undefined>();
  readonly #table = new WalRecordTable();
  readonly #payloads: Uint8Array[] = [];
  #payloadBytes = 0;

  constructor(batch: number) {
    this.batch = batch;
  }

  get table(): WalRecordTable {
    return this.#table;
  }
  get payloads(): readonly Uint8Array[] {
    return this.#payloads;
  }
  get payloadBytes(): number {
    return this.#payloadBytes;
  }
  /** Bytes in a file, without head records. */
  get sizeBytes(): number {
    return WAL_BATCH_HEADER_BYTES + this.#table.sizeBytes + this.#payloadBytes;
  }
  get isEmpty(): boolean {
    return this.#table.recordCount === 0;
  }

  addEntry(group: number, frame: Frame): void {
    this.#table.addEntry(group, frame);
    this.#payloadBytes += frame.payload.length;
    if (frame.payload.length > 0) this.#payloads.push(frame.payload);
  }

  addHardState(group: number, hardState: StoredHardState): void {
    this.#table.addHardState(group, hardState);
    this.hardStates.set(group, hardState);
  }

  addTruncate(group: number, from: number, nextOffset: number): void {
    this.#table.addTruncate(group, from, nextOffset);
  }

  addReset(group: number, reset: LogReset): void {
    this.#table.addReset(group, reset);
  }

  addDrop(group: number, replicaEpoch: number): void {
    this.#table.addDrop(group, replicaEpoch);
    this.hardStates.set(group, undefined);
  }
}

/** Where and as what a batch is written. */
export interface WalBatchPlace {
  readonly life: number;
  readonly syncedThrough: number;
  readonly replayFrom: number;
  /** Hard states of all groups as they were before this batch, when it is the first of its file. */
  readonly head: ReadonlyMap<number, StoredHardState> | undefined;
  readonly isSeal: boolean;
}

/**
 * The bytes of a batch as parts for one vectored write. `sizeBytes` is what it takes in the file,
 * aligned.
 */
export function encodeWalBatch(
  batch: WalBatch,
  place: WalBatchPlace,
): { readonly parts: readonly Uint8Array[]; readonly sizeBytes: number } {
  const head = encodeHead(place.head);
  const table = batch.table.bytes;
  // The checksum covers head records and table, and with them every payload's own checksum: no
  // payload byte is read again here.
  const headCrc = crc32c(head.bytes, 0, head.bytes.length, lifeSeed(place.life));
  const header = encodeWalBatchHeader({
    life: place.life,
    batch: batch.batch,
    syncedThrough: place.syncedThrough,
    replayFrom: place.replayFrom,
    recordCount: head.recordCount + batch.table.recordCount,
    tableBytes: head.bytes.length + table.length,
    payloadBytes: batch.payloadBytes,
    tableCrc: crc32c(table, 0, table.length, headCrc),
    isHead: place.head !== undefined,
    isSeal: place.isSeal,
  });
  const parts = mergeSmallParts([header, head.bytes, table, ...batch.payloads], SMALL_PART_BYTES);
  const written = header.length + head.bytes.length + table.length + batch.payloadBytes;
  return { parts, sizeBytes: alignUp(written, WAL_ALIGNMENT_BYTES) };
}

function encodeHead(head: ReadonlyMap<number, StoredHardState> | undefined): WalRecordTable {
  const table = new WalRecordTable(0);
  for (const [group, hardState] of head ?? []) table.addHardState(group, hardState);
  return table;
}
