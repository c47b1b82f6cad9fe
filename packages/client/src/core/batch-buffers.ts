/** Buffers kept at once, whatever their size. */
const BUFFERS_MAX = 256;

/**
 * Memory of batches that are done with, for batches to come: fresh memory is zeroed and paged in
 * before it is written, which costs as much as the encoding. Only partitions with large batches use
 * it; the small batches of many partitions keep buffers of their own size.
 */
export class BatchBuffers {
  readonly #bufferBytes: number;
  readonly #smallBytes: number;
  readonly #keptMax: number;
  readonly #free: Uint8Array[] = [];

  constructor(options: { readonly bufferBytes: number; readonly keptBytesMax: number }) {
    this.#bufferBytes = options.bufferBytes;
    this.#smallBytes = options.bufferBytes / 4;
    const fit = Math.floor(options.keptBytesMax / options.bufferBytes);
    this.#keptMax = Math.min(BUFFERS_MAX, fit);
  }

  /** A buffer for a batch that is expected to take so many bytes; undefined for a small one. */
  take(expectedBytes: number): Uint8Array | undefined {
    if (expectedBytes < this.#smallBytes) return undefined;
    return this.#free.pop() ?? new Uint8Array(this.#bufferBytes);
  }

  /** Takes a batch's memory back. The caller has seen that nobody will read the batch any more. */
  giveBack(batch: Uint8Array): void {
    const { buffer } = batch;
    const isOurs = buffer.byteLength === this.#bufferBytes && batch.byteOffset === 0;
    if (isOurs && this.#free.length < this.#keptMax) this.#free.push(new Uint8Array(buffer));
  }
}
