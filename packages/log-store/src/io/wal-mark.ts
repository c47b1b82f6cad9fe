import { crc32c } from "@stratalog/record-batch";
import { readUint32, readUint64, writeUint32, writeUint64 } from "../core/bytes.ts";
import type { FileHandle, FileSystem } from "../ports/file-system.ts";

// Mark file: two slots, 512 bytes apart, written in turn and never synced; big-endian.
//
//   0  4  magic "SMRK"   4  4  CRC-32C of [8, 16)   8  8  every batch up to this one was synced
const MAGIC = 0x534d524b;
const SLOT_BYTES = 16;
const SLOT_DISTANCE = 512;

/** Name of the mark file in the WAL directory. */
export const MARK_FILE = "durable.mark";

/**
 * Says which batch was synced last when no later batch does. It survives a killed process, so that
 * damage to the very last batch is not taken for a torn tail; after a power cut it may be older,
 * never newer, than the truth.
 */
export class WalMark {
  readonly #handle: FileHandle;
  readonly #onError: (error: unknown) => void;
  #slot = 0;
  #wanted = 0;
  #written = 0;
  #writing: Promise<void> | undefined;

  private constructor(handle: FileHandle, onError: (error: unknown) => void) {
    this.#handle = handle;
    this.#onError = onError;
  }

  static async open(
    fileSystem: FileSystem,
    directory: string,
    onError: (error: unknown) => void,
  ): Promise<WalMark> {
    const handle = await fileSystem.open(`${directory}/${MARK_FILE}`, "create");
    return new WalMark(handle, onError);
  }

  /** The newest mark that holds; 0 for none. */
  async read(): Promise<number> {
    const bytes = new Uint8Array(SLOT_DISTANCE + SLOT_BYTES);
    const count = await this.#handle.read(bytes, 0);
    return decodeMark(bytes.subarray(0, count));
  }

  /**
   * Notes that a batch is synced. At most one write is under way; a newer mark overtakes an older
   * one.
   */
  write(batch: number): void {
    this.#wanted = Math.max(this.#wanted, batch);
    this.#writing ??= this.#writeWanted().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
  }

  async #writeWanted(): Promise<void> {
    try {
      while (this.#written < this.#wanted) {
        const batch = this.#wanted;
        const slot = new Uint8Array(SLOT_BYTES);
        writeUint32(slot, 0, MAGIC);
        writeUint64(slot, 8, batch);
        writeUint32(slot, 4, crc32c(slot, 8, SLOT_BYTES));
        await this.#handle.write([slot], this.#slot * SLOT_DISTANCE);
        this.#slot = 1 - this.#slot;
        this.#written = batch;
      }
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** The newest mark that holds in the bytes of a mark file; 0 for none. */
export function decodeMark(bytes: Uint8Array): number {
  const count = bytes.length;
  return Math.max(slotValue(bytes, 0, count), slotValue(bytes, SLOT_DISTANCE, count));
}

function slotValue(bytes: Uint8Array, at: number, count: number): number {
  if (at + SLOT_BYTES > count || readUint32(bytes, at) !== MAGIC) return 0;
  if (readUint32(bytes, at + 4) !== crc32c(bytes, at + 8, at + SLOT_BYTES)) return 0;
  return readUint64(bytes, at + 8);
}
