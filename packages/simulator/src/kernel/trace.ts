const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * What happened in a simulation: a digest over all of it, and the last lines for a failure's
 * report.
 */
export class Trace {
  readonly #limit: number;
  #lines: string[] = [];
  #digest = FNV_BASIS;
  #count = 0;

  /** Keeps `limit` lines. */
  constructor(limit = 200) {
    this.#limit = limit;
  }

  /** Lines so far. */
  get count(): number {
    return this.#count;
  }

  /** Equal for equal histories; eight hexadecimal digits. */
  get digest(): string {
    return this.#digest.toString(16).padStart(8, "0");
  }

  add(line: string): void {
    this.#count++;
    for (let i = 0; i < line.length; i++) {
      this.#digest = Math.imul(this.#digest ^ line.charCodeAt(i), FNV_PRIME) >>> 0;
    }
    this.#lines.push(line);
    // Cut now and then instead of at every line.
    if (this.#lines.length >= 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    return this.#lines.slice(-this.#limit);
  }
}
