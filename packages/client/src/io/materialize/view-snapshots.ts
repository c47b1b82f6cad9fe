import { CodedError, encodeUtf8 } from "@stratalog/base";
import type { Serde } from "../../core/serde.ts";
import { decodeViewHeader, encodeViewHeader } from "../../core/view-header.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/**
 * A view's way to its store: which keys changed since the last save, and all of that in one write
 * with the positions that it belongs to.
 */
export class ViewSnapshots<State> {
  readonly #store: SnapshotStore;
  readonly #name: string;
  readonly #foldVersion: number;
  readonly #serde: Serde<State>;
  readonly #isKept: boolean;
  readonly #changed = new Set<string>();
  #noted = 0;

  constructor(options: {
    readonly store: SnapshotStore;
    readonly name: string;
    readonly foldVersion: number;
    readonly serde: Serde<State>;
    /** False: nothing is saved, since nobody could load it. */
    readonly isKept: boolean;
  }) {
    this.#store = options.store;
    this.#name = options.name;
    this.#foldVersion = options.foldVersion;
    this.#serde = options.serde;
    this.#isKept = options.isKept;
  }

  /** Records folded since the last save; bounds the keys that wait for it. */
  get changeCount(): number {
    return this.#noted;
  }

  note(key: string): void {
    if (!this.#isKept) return;
    this.#noted += 1;
    this.#changed.add(key);
  }

  /**
   * Fills the states from the snapshot and gives its positions. One of another topic or another
   * fold is cleared: none then.
   */
  async load(topicId: string, into: Map<string, State>): Promise<ReadonlyMap<number, number>> {
    const stored = await this.#store.load(this.#name);
    if (stored === undefined) return new Map();
    const header = decodeViewHeader(stored.header, this.#name);
    if (header.topicId !== topicId || header.foldVersion !== this.#foldVersion) {
      await this.#store.clear(this.#name);
      return new Map();
    }
    for await (const [key, bytes] of stored.states) into.set(key, this.#serde.deserialize(bytes));
    return header.positions;
  }

  async save(
    topicId: string,
    positions: ReadonlyMap<number, number>,
    states: ReadonlyMap<string, State>,
  ): Promise<void> {
    const put: (readonly [string, Uint8Array])[] = [];
    const gone: string[] = [];
    for (const key of this.#changed) {
      const state = states.get(key);
      if (state === undefined) gone.push(key);
      else put.push([key, this.#serialize(key, state)]);
    }
    const header = encodeViewHeader({ topicId, foldVersion: this.#foldVersion, positions });
    await this.#store.save(this.#name, { header, put, delete: gone });
    // Only a save that went through makes them old; one view folds one thing at a time.
    this.#changed.clear();
    this.#noted = 0;
  }

  #serialize(key: string, state: State): Uint8Array {
    const bytes = this.#serde.serialize(state);
    if (typeof bytes === "string") return encodeUtf8(bytes);
    if (bytes !== null) return bytes;
    throw new CodedError("SERDE_FAILED", `the state of ${key} has no stored form`);
  }
}
