const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** An event in numbers, for histories of so many that a line for each would be too slow. */
export interface TraceEvent {
  readonly timeMs: number;
  readonly what: string;
  readonly detail: string;
  readonly numbers: readonly number[];
}

/**
 * What happened in a simulation: a digest over all of it, and the last lines for a failure's
 * report.
 */
export class Trace {
  readonly #limit: number;
  #lines: (string | TraceEvent)[] = [];
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
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  add(line: string): void {
    this.#mixText(line);
    this.#keep(line);
  }

  /** An event, of which a line is made only when somebody asks. */
  addEvent(event: TraceEvent): void {
    this.#mixText(event.what);
    this.#mixText(event.detail);
    // Microseconds: what the line shows.
    this.#digest = Math.imul(this.#digest ^ Math.round(event.timeMs * 1000), FNV_PRIME);
    for (const number of event.numbers) {
      this.#digest = Math.imul(this.#digest ^ number, FNV_PRIME);
    }
    this.#keep(event);
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    return this.#lines.slice(-this.#limit).map((line) => {
      if (typeof line === "string") return line;
      return [line.timeMs.toFixed(3), line.what, line.detail, ...line.numbers].join(" ");
    });
  }

  #keep(line: string | TraceEvent): void {
    this.#count++;
    this.#lines.push(line);
    // Cut now and then instead of at every line.
    if (this.#lines.length >= 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
  }

  #mixText(text: string): void {
    let digest = this.#digest;
    for (let i = 0; i < text.length; i++) {
      digest = Math.imul(digest ^ text.charCodeAt(i), FNV_PRIME);
    }
    this.#digest = digest;
  }
}
