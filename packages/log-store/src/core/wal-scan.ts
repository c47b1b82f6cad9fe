import { crc32c } from "@stratalog/record-batch";
import { alignUp } from "./bytes.ts";
import { payloadIsIntact } from "./frame-codec.ts";
import {
  decodeWalBatchHeader,
  lifeSeed,
  WAL_ALIGNMENT_BYTES,
  WAL_BATCH_HEADER_BYTES,
  type WalBatchHeader,
} from "./wal-batch-header.ts";
import { decodeWalRecords } from "./wal-records.ts";

/** A batch whose header holds, found in a WAL file. */
export interface FoundBatch {
  readonly header: WalBatchHeader;
  /** Byte in the file at which the batch begins. */
  readonly position: number;
  /** Whether the record table is all there and its checksum holds. */
  readonly isTableIntact: boolean;
  /** Positions in the record list of entries whose payload fails its checksum. */
  readonly brokenEntries: readonly number[];
}

/**
 * Every batch of a life in the bytes of its file. After a place where none begins, the search goes
 * on at each aligned position: a batch found behind damage proves that the damage is no torn tail.
 */
export function scanWalFile(bytes: Uint8Array, life: number): readonly FoundBatch[] {
  const found: FoundBatch[] = [];
  let position = 0;
  while (position + WAL_BATCH_HEADER_BYTES <= bytes.length) {
    const header = decodeWalBatchHeader(bytes, position, life);
    if (header === undefined) {
      position += WAL_ALIGNMENT_BYTES;
      continue;
    }
    const batch = examineBatch(bytes, position, header);
    found.push(batch);
    // The lengths in a header whose checksum holds are right even when what they measure is torn.
    position += alignUp(batchBytes(header), WAL_ALIGNMENT_BYTES);
  }
  return found;
}

/** Bytes of a batch in its file, before alignment. */
export function batchBytes(header: WalBatchHeader): number {
  return WAL_BATCH_HEADER_BYTES + header.tableBytes + header.payloadBytes;
}

function examineBatch(bytes: Uint8Array, position: number, header: WalBatchHeader): FoundBatch {
  const broken: FoundBatch = { header, position, isTableIntact: false, brokenEntries: [] };
  const tableStart = position + WAL_BATCH_HEADER_BYTES;
  const payloadStart = tableStart + header.tableBytes;
  if (payloadStart > bytes.length) return broken;
  const crc = crc32c(bytes, tableStart, payloadStart, lifeSeed(header.life));
  if (crc !== header.tableCrc) return broken;
  const records = decodeWalRecords(bytes.subarray(tableStart, payloadStart));
  if (records === undefined || records.length !== header.recordCount) return broken;
  const brokenEntries: number[] = [];
  for (const [ordinal, record] of records.entries()) {
    if (record.type !== "entry") continue;
    const start = payloadStart + record.payloadPosition;
    const end = start + record.header.payloadBytes;
    const isWhole =
      end <= bytes.length && payloadIsIntact(record.header, bytes.subarray(start, end));
    if (!isWhole) brokenEntries.push(ordinal);
  }
  return { header, position, isTableIntact: true, brokenEntries };
}
