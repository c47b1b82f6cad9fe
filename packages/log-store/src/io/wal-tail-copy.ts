import { crc32c } from "@stratalog/record-batch";
import { alignUp } from "../core/bytes.ts";
import { encodeWalBatchHeader, lifeSeed, WAL_ALIGNMENT_BYTES } from "../core/wal-batch-header.ts";
import { batchBytes } from "../core/wal-scan.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { BatchContent, type StoredBatch } from "./wal-reader.ts";

/** Where the copy goes: a new file under a life number that was never used. */
export interface TailCopyPlace {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly path: string;
  readonly life: number;
}

/**
 * Writes batches that were read but are not known to be synced to a new file, and syncs that. What
 * a killed process wrote reads fine from memory and is gone after a power cut, and after a failed
 * sync even a second sync does not help. Recovery acts on these batches (it cuts segments), so they
 * must be on the disk before it does.
 */
export async function copyTail(
  place: TailCopyPlace,
  batches: readonly StoredBatch[],
): Promise<void> {
  const { fileSystem, life } = place;
  const handle = await fileSystem.open(place.path, "exclusive");
  let position = 0;
  for (const batch of batches) {
    const content = await BatchContent.read(fileSystem, batch, "records-and-payloads");
    const { table, payloads } = content;
    const tableCrc = crc32c(table, 0, table.length, lifeSeed(life));
    const header = encodeWalBatchHeader({ ...batch.header, life, tableCrc });
    await handle.write([header, table, payloads], position);
    position += alignUp(batchBytes(batch.header), WAL_ALIGNMENT_BYTES);
  }
  await handle.dataSync();
  await handle.close();
  await fileSystem.syncDirectory(place.directory);
}
