/** What was saved of a view: where it was, and the state of every key. */
export interface StoredSnapshot {
  /** Where the view was, in the view's own form. */
  readonly header: Uint8Array;
  /** Every key with its state, in any order. */
  readonly states:
    | Iterable<readonly [key: string, state: Uint8Array]>
    | AsyncIterable<readonly [key: string, state: Uint8Array]>;
}

/** What changed since the last save. */
export interface SnapshotChange {
  /** Replaces the one before. */
  readonly header: Uint8Array;
  /** Keys that are new or changed. */
  readonly put: readonly (readonly [key: string, state: Uint8Array])[];
  /** Keys that are gone. */
  readonly delete: readonly string[];
}

/**
 * Keeps snapshots of views by name. Bytes belong to the caller again when a call resolves. One view
 * of a name at a time; calls for one name do not overlap.
 */
export interface SnapshotStore {
  /** What was last saved under a name; undefined when there is nothing. */
  load(name: string): Promise<StoredSnapshot | undefined>;
  /** Adds a change, all of it or nothing: a header that says more than the states is damage. */
  save(name: string, change: SnapshotChange): Promise<void>;
  /** Forgets everything under a name. */
  clear(name: string): Promise<void>;
}

interface Kept {
  header: Uint8Array;
  readonly states: Map<string, Uint8Array>;
}

/** Keeps snapshots for as long as the process lives. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly #views = new Map<string, Kept>();

  load(name: string): Promise<StoredSnapshot | undefined> {
    return Promise.resolve(this.#views.get(name));
  }

  save(name: string, change: SnapshotChange): Promise<void> {
    const kept = this.#views.get(name) ?? { header: change.header, states: new Map() };
    for (const [key, state] of change.put) kept.states.set(key, state.slice());
    for (const key of change.delete) kept.states.delete(key);
    kept.header = change.header.slice();
    this.#views.set(name, kept);
    return Promise.resolve();
  }

  clear(name: string): Promise<void> {
    this.#views.delete(name);
    return Promise.resolve();
  }
}
