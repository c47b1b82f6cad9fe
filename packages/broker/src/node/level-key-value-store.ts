import { mkdir } from "node:fs/promises";
import {
  CodedError,
  type KeyRange,
  type KeyValueChange,
  type KeyValueStore,
} from "@stratalog/base";
import { crc32c } from "@stratalog/record-batch";
import { Level } from "level";
import { checkLevelFiles, describeFinding, type LevelCheck } from "./level/check-level-files.ts";

type Database = Level<string, Uint8Array>;

/** LevelDB makes its files readable for everybody; their directory lets nobody else in. */
const DIRECTORY_MODE = 0o700;

/**
 * Bytes before each value: the CRC-32C of key and value, big-endian. A value under a wrong key is
 * damage too.
 */
const CHECKSUM_BYTES = 4;

/**
 * A key-value store in a LevelDB directory. LevelDB locks the directory while it is open, also
 * against this process, and
 * the lock dies with the process: it doubles as the lock of the whole data directory.
 */
export class LevelKeyValueStore implements KeyValueStore {
  readonly #database: Database;
  /** Calls that LevelDB has not finished: closing waits for them instead of racing them. */
  readonly #running = new Set<Promise<unknown>>();
  #state: "open" | "closed" = "open";
  #failure: CodedError | undefined;
  /**
   * Places in LevelDB's write-ahead log that did not hold when the store was opened, and were left
   * out: an unsynced end after a power cut, or damage that whoever misses a value tells of.
   */
  readonly suspicions: readonly string[];

  private constructor(database: Database, suspicions: readonly string[]) {
    this.#database = database;
    this.suspicions = suspicions;
  }

  /**
   * Opens or makes the store. Rejects with DIRECTORY_IN_USE, DIRECTORY_UNUSABLE, or
   * STORAGE_DAMAGED naming file and byte.
   */
  static async open(directory: string): Promise<LevelKeyValueStore> {
    const checking = await settled(checkLevelFiles(directory));
    const check = checking.ok ? checking.value : undefined;
    // It may be there already; LevelDB says what else is wrong with it.
    await settled(mkdir(directory, { mode: DIRECTORY_MODE }));
    const database: Database = new Level(directory, { keyEncoding: "utf8", valueEncoding: "view" });
    try {
      await database.open();
    } catch (error) {
      throw openFailure(directory, error, check);
    }
    const [damage] = check?.damage ?? [];
    if (checking.ok && damage === undefined) {
      return new LevelKeyValueStore(database, checking.value.suspicions.map(describeFinding));
    }
    await database.close();
    if (damage !== undefined) throw damaged(describeFinding(damage), undefined);
    const error = checking.ok ? undefined : checking.error;
    throw unusable(directory, String(error), error);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check();
    // The type leaves it out, but a missing key gives undefined.
    const stored: Uint8Array | undefined = await this.#read(key, this.#database.get(key));
    return stored === undefined ? undefined : unwrap(key, stored);
  }

  async *entries(range: KeyRange): AsyncIterable<readonly [string, Uint8Array]> {
    this.#check();
    const iterator = this.#database.iterator({ gte: range.from, lt: range.to });
    try {
      for (;;) {
        this.#check();
        const entry = await this.#read(`${range.from} to ${range.to}`, iterator.next());
        if (entry === undefined) return;
        yield [entry[0], unwrap(entry[0], entry[1])];
      }
    } finally {
      if (this.#state === "open") await iterator.close();
    }
  }

  async write(
    changes: readonly KeyValueChange[],
    options: { readonly sync: boolean },
  ): Promise<void> {
    this.#check();
    const operations = changes.map((change) =>
      change.type === "put"
        ? { type: "put" as const, key: change.key, value: wrap(change.key, change.value) }
        : { type: "del" as const, key: change.key },
    );
    try {
      await this.#track(this.#database.batch(operations, { sync: options.sync }));
    } catch (error) {
      // Whatever the reason, what is on the disk is no longer known: nothing more is promised.
      this.#failure ??= new CodedError("STORAGE_DAMAGED", "the key-value store failed to write", {
        cause: error,
      });
      throw this.#failure;
    }
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await Promise.allSettled(this.#running);
    await this.#database.close();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === "closed") throw new CodedError("CLOSED", "the key-value store is closed");
  }

  /** A read that LevelDB fails: it says what is wrong, and neither with which file nor where. */
  async #read<T>(what: string, work: Promise<T>): Promise<T> {
    try {
      return await this.#track(work);
    } catch (error) {
      const reason = reasonOf(error);
      throw damaged(`LevelDB cannot read ${what} in ${this.#database.location}: ${reason}`, error);
    }
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }
}

function checksum(key: string, value: Uint8Array): number {
  return crc32c(value, 0, value.byteLength, crc32c(new TextEncoder().encode(key)));
}

function wrap(key: string, value: Uint8Array): Uint8Array {
  const stored = new Uint8Array(CHECKSUM_BYTES + value.byteLength);
  new DataView(stored.buffer).setUint32(0, checksum(key, value));
  stored.set(value, CHECKSUM_BYTES);
  return stored;
}

function unwrap(key: string, stored: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = stored;
  if (byteLength >= CHECKSUM_BYTES) {
    // LevelDB hands out Node's Buffer; cores are promised plain bytes.
    const value = new Uint8Array(buffer, byteOffset + CHECKSUM_BYTES, byteLength - CHECKSUM_BYTES);
    const expected = new DataView(buffer, byteOffset, CHECKSUM_BYTES).getUint32(0);
    if (expected === checksum(key, value)) return value;
  }
  throw new CodedError("STORAGE_DAMAGED", `the stored value of ${key} fails its checksum`, {
    details: { key },
  });
}

/** What LevelDB says is in the cause of what `level` throws. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? cause.message : String(error);
}

function damaged(where: string, cause: unknown): CodedError {
  return new CodedError("STORAGE_DAMAGED", `${where}; restore kv/ or replace this broker`, {
    cause,
  });
}

/** A failure of the look at the files counts only when the directory is not in use. */
async function settled<T>(
  work: Promise<T>,
): Promise<{ ok: true; value: T } | { ok: false; error: unknown }> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}

function unusable(directory: string, reason: string, cause: unknown): CodedError {
  return new CodedError("DIRECTORY_UNUSABLE", `cannot open ${directory}: ${reason}`, {
    details: { directory },
    cause,
  });
}

function openFailure(directory: string, error: unknown, check: LevelCheck | undefined): CodedError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "LEVEL_LOCKED") {
    return new CodedError(
      "DIRECTORY_IN_USE",
      `${directory} is open in another process: stop that broker, or give this one a directory of its own`,
      { details: { directory }, cause: error },
    );
  }
  const reason = reasonOf(error);
  const [finding] = [...(check?.damage ?? []), ...(check?.suspicions ?? [])];
  if (finding !== undefined) {
    return damaged(`${describeFinding(finding)} (LevelDB: ${reason})`, error);
  }
  if (reason.includes("Corruption")) return damaged(`${directory}: LevelDB: ${reason}`, error);
  return unusable(directory, reason, error);
}
