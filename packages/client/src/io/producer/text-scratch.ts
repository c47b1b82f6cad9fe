const SCRATCH_BYTES = 64 * 1024;
/** Shorter texts come out of Buffer's own pool, which is as quick for them. */
const SHORT_CHARACTERS = 100;
/** UTF-8 takes at most this many bytes per UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

/**
 * Turns texts into UTF-8 in memory that is used again: what it gives is good until `reset`, long
 * enough to be copied into a batch. Making memory for each text costs more than encoding it.
 */
export class TextScratch {
  readonly #bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #used = 0;

  encode(text: string): Uint8Array {
    const neededBytes = text.length * BYTES_PER_UNIT_MAX;
    if (text.length < SHORT_CHARACTERS || neededBytes > SCRATCH_BYTES - this.#used) {
      return Buffer.from(text, "utf8");
    }
    const start = this.#used;
    this.#used += this.#bytes.write(text, start, "utf8");
    return this.#bytes.subarray(start, this.#used);
  }

  reset(): void {
    this.#used = 0;
  }
}

/** The UTF-8 bytes of a text, to keep. */
export function encodeText(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}
