/** Something whose index can be dropped from memory and read again. */
export interface IndexHolder {
  unloadIndex(): void;
}

/**
 * Bounds how many sealed segments keep their index in memory: the least recently used one goes
 * first.
 */
export class IndexCache {
  readonly #limit: number;
  readonly #holders = new Set<IndexHolder>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A holder's index was used just now. */
  touch(holder: IndexHolder): void {
    this.#holders.delete(holder);
    this.#holders.add(holder);
    if (this.#holders.size <= this.#limit) return;
    for (const oldest of this.#holders) {
      this.#holders.delete(oldest);
      oldest.unloadIndex();
      return;
    }
  }

  forget(holder: IndexHolder): void {
    this.#holders.delete(holder);
  }
}
