/** Where a command writes: data to one side, everything said about it to the other. */
export interface Output {
  /** A line of data, on standard output. */
  line(text: string): void;
  /** A line for people, on standard error. */
  note(text: string): void;
  /** Replaces the present line of progress; shown on a terminal only. */
  progress(text: string): void;
}

/** How wide a line of progress may be; a wrapped one could not be replaced. */
const PROGRESS_COLUMNS = 79;

/** The process's own streams. */
export class ProcessOutput implements Output {
  #progressLength = 0;

  line(text: string): void {
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  note(text: string): void {
    this.#clear();
    process.stderr.write(`${text}\n`);
  }

  progress(text: string): void {
    if (!process.stderr.isTTY) return;
    const shown = text.slice(0, PROGRESS_COLUMNS);
    process.stderr.write(`\r${shown.padEnd(this.#progressLength)}`);
    this.#progressLength = shown.length;
  }

  #clear(): void {
    if (this.#progressLength === 0) return;
    process.stderr.write(`\r${" ".repeat(this.#progressLength)}\r`);
    this.#progressLength = 0;
  }
}
