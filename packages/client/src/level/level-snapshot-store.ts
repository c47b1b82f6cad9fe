import { CodedError, decodeUtf8, encodeUtf8 } from "@stratalog/base";
import { crc32c } from "@stratalog/record-batch";
import { Level } from "level";
import type {
  SnapshotChange,
  SnapshotStore,
  StoredSnapshot,
} from "../io/materialize/snapshot-store.ts";

type Database = Level<Uint8Array, Uint8Array>;

const CRC_BYTES = 4;
const AFTER_NAME = "\u0000";
const AFTER_ALL_KEYS = "\u0001";

/**
 * Keeps snapshots in a LevelDB directory, each save in one synced batch, each value with its own
 * checksum. One process at a time.
 *
 *   h!<name>              header
 *   s!<name>\0<key>       state of a key
 */
export class LevelSnapshotStore implements SnapshotStore, AsyncDisposable {
  readonly #database: Database;

  /** @internal Use {@link openLevelSnapshotStore}. */
  constructor(database: Database) {
    this.#database = database;
  }

  async load(name: string): Promise<StoredSnapshot | undefined> {
    const header = await this.#database.get(headerKey(name));
    if (header !== undefined) {
      return { header: checked(header, name), states: this.#states(name) };
    }
    // A clearing that was cut short left states behind, which must not come back.
    await this.#database.clear(range(name));
    return undefined;
  }

  async save(name: string, change: SnapshotChange): Promise<void> {
    await this.#database.batch(
      [
        ...change.put.map(([key, state]) => {
          return { type: "put" as const, key: stateKey(name, key), value: sealed(state) };
        }),
        ...change.delete.map((key) => ({ type: "del" as const, key: stateKey(name, key) })),
        { type: "put" as const, key: headerKey(name), value: sealed(change.header) },
      ],
      { sync: true },
    );
  }

  async clear(name: string): Promise<void> {
    // The header first: without one the states do not count.
    await this.#database.batch([{ type: "del", key: headerKey(name) }], { sync: true });
    await this.#database.clear(range(name));
  }

  /** Closes the directory. */
  async close(): Promise<void> {
    await this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#states(name: string): AsyncGenerator<readonly [string, Uint8Array]> {
    const prefix = stateKey(name, "").length;
    for await (const [key, value] of this.#database.iterator(range(name))) {
      yield [decodeUtf8(key.subarray(prefix)), checked(value, name)];
    }
  }
}

/**
 * Opens a directory for snapshots, making it when there is none. DIRECTORY_IN_USE while another
 * process has it open, DIRECTORY_UNUSABLE when it cannot be used.
 */
export async function openLevelSnapshotStore(directory: string): Promise<LevelSnapshotStore> {
  const database: Database = new Level(directory, { keyEncoding: "view", valueEncoding: "view" });
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const isLocked = cause instanceof Error && "code" in cause && cause.code === "LEVEL_LOCKED";
    throw new CodedError(
      isLocked ? "DIRECTORY_IN_USE" : "DIRECTORY_UNUSABLE",
      `${directory} cannot be opened for snapshots: ${String(cause ?? error)}`,
      { cause: error, details: { directory } },
    );
  }
  return new LevelSnapshotStore(database);
}

function headerKey(name: string): Uint8Array {
  checkName(name);
  return encodeUtf8(`h!${name}`);
}

function stateKey(name: string, key: string): Uint8Array {
  return encodeUtf8(`s!${name}${AFTER_NAME}${key}`);
}

function range(name: string): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  return { gte: stateKey(name, ""), lt: encodeUtf8(`s!${name}${AFTER_ALL_KEYS}`) };
}

function checkName(name: string): void {
  if (name !== "" && !name.includes(AFTER_NAME) && !name.includes(AFTER_ALL_KEYS)) return;
  throw new CodedError(
    "INVALID_REQUEST",
    "the name of a view is a text without control characters",
  );
}

function sealed(bytes: Uint8Array): Uint8Array {
  const value = new Uint8Array(CRC_BYTES + bytes.length);
  new DataView(value.buffer).setUint32(0, crc32c(bytes));
  value.set(bytes, CRC_BYTES);
  return value;
}

function checked(value: Uint8Array, name: string): Uint8Array {
  const bytes = value.subarray(CRC_BYTES);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length >= CRC_BYTES && view.getUint32(0) === crc32c(bytes)) return bytes;
  throw new CodedError(
    "STORAGE_DAMAGED",
    `a value of the snapshot of ${name} fails its checksum: clear it to fold anew`,
    { details: { name } },
  );
}
