/** Larger ones are made for their one read. */
const BUFFER_BYTES = 1024 * 1024;

/**
 * Memory for reads whose bytes nobody keeps: searches by time, cuts, indexes that are made again. A
 * fresh megabyte costs more in page faults than reading it from the page cache.
 *
 * Reads that hand their frames on cannot borrow: who holds a batch is not known here, so its block
 * is its own, one for all frames in it.
 */
export class ReadBuffers {
  readonly #limit: number;
  readonly #free: Uint8Array[] = [];

  /** `limit`: buffers that are kept while nobody uses them. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs work on memory of a size that it must not keep. What was in it before is not removed. */
  async lend<T>(sizeBytes: number, work: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    if (sizeBytes > BUFFER_BYTES) return work(Buffer.allocUnsafeSlow(sizeBytes));
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    try {
      return await work(buffer.subarray(0, sizeBytes));
    } finally {
      if (this.#free.length < this.#limit) this.#free.push(buffer);
    }
  }
}
