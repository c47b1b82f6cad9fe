import { CodedError } from "@stratalog/base";
import { LogFrame } from "../core/frame.ts";
import { WAL_BATCH_HEADER_BYTES } from "../core/wal-batch-header.ts";
import { decodeWalRecords, type WalRecord } from "../core/wal-records.ts";
import { batchBytes, type FoundBatch, scanWalFile } from "../core/wal-scan.ts";
import type { FileSystem } from "../ports/file-system.ts";

/** A batch and the file that it was found in. */
export interface StoredBatch extends FoundBatch {
  readonly path: string;
}

/** All batches of one WAL file. The file is read as a whole: it has at most the configured size. */
export async function findBatches(
  fileSystem: FileSystem,
  path: string,
  life: number,
): Promise<readonly StoredBatch[]> {
  const handle = await fileSystem.open(path, "read");
  try {
    const sizeBytes = await handle.sizeBytes();
    const bytes: Uint8Array = Buffer.allocUnsafeSlow(sizeBytes);
    const count = await handle.read(bytes, 0);
    const found = scanWalFile(bytes.subarray(0, count), life);
    return found.map((batch) => ({ ...batch, path }));
  } finally {
    await handle.close();
  }
}

/** One batch, read again. */
export class BatchContent {
  readonly records: readonly WalRecord[];
  readonly table: Uint8Array;
  readonly payloads: Uint8Array;

  private constructor(records: readonly WalRecord[], table: Uint8Array, payloads: Uint8Array) {
    this.records = records;
    this.table = table;
    this.payloads = payloads;
  }

  /** Reads the records; payloads too when asked for. */
  static async read(
    fileSystem: FileSystem,
    batch: StoredBatch,
    what: "records" | "records-and-payloads",
  ): Promise<BatchContent> {
    const { header, position, path } = batch;
    const payloadBytes = what === "records" ? 0 : header.payloadBytes;
    const wanted = batchBytes(header) - header.payloadBytes + payloadBytes;
    const bytes: Uint8Array = Buffer.allocUnsafeSlow(wanted);
    const handle = await fileSystem.open(path, "read");
    try {
      const count = await handle.read(bytes, position);
      const payloadStart = WAL_BATCH_HEADER_BYTES + header.tableBytes;
      const table = bytes.subarray(WAL_BATCH_HEADER_BYTES, payloadStart);
      const records = count === wanted ? decodeWalRecords(table) : undefined;
      if (records === undefined) {
        throw new CodedError("STORAGE_DAMAGED", `${path} changed while it was read`);
      }
      return new BatchContent(records, table, bytes.subarray(payloadStart));
    } finally {
      await handle.close();
    }
  }

  /** The frame of an entry, a view of the batch. */
  frame(record: WalRecord & { readonly type: "entry" }): LogFrame {
    const { header, payloadPosition } = record;
    const payload = this.payloads.subarray(payloadPosition, payloadPosition + header.payloadBytes);
    return new LogFrame({ ...header, payload });
  }
}
