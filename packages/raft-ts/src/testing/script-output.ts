/**
 * Levels of output, from all to nothing. Only the last one matters here: it silences everything but
 * errors.
 */
const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];

/** What the commands of an interaction print. */
export class ScriptOutput {
  #text = "";
  #level = 0;

  get isQuiet(): boolean {
    return this.#level === LEVELS.length - 1;
  }

  get level(): string {
    return LEVELS[this.#level] ?? "";
  }

  /** `false` for a level that does not exist. */
  setLevel(name: string): boolean {
    const level = LEVELS.indexOf(name.toUpperCase());
    if (level >= 0) this.#level = level;
    return level >= 0;
  }

  write(text: string): void {
    if (!this.isQuiet) this.#text += text;
  }

  /** What `body` writes, two columns to the right. */
  indent(body: () => void): void {
    const outer = this.#text;
    this.#text = "";
    try {
      body();
    } finally {
      const lines = this.#text.replace(/\n$/, "").split("\n");
      const inner = this.#text === "" ? "" : lines.map((line) => `  ${line}\n`).join("");
      this.#text = outer + inner;
    }
  }

  /** What was written since the last time. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}
