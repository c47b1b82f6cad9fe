import {
  CodedError,
  decodeJson,
  encodeJson,
  type KeyValueStore,
  type Random,
  randomUuid,
  shape,
} from "@stratalog/base";
import { type FileSystem, FileSystemError } from "@stratalog/log-store";
import { crc32c } from "@stratalog/record-batch";
import type { BrokerIdentity, IdentityStore } from "./broker-identity.ts";

const FORMAT_VERSION = 1;
const META_FILE = "meta.json";
/** More than any meta file needs; a larger one is not ours. */
const META_BYTES_MAX = 65_536;

const metaShape = shape.object({
  formatVersion: shape.integer(1),
  brokerId: shape.integer(1, 0xffff),
  directoryId: shape.text,
  clusterId: shape.optional(shape.text),
  /** CRC-32C of the other fields; directories of before it was written have none. */
  checksum: shape.optional(shape.integer(0)),
});

/** What a data directory is opened with. */
export interface BrokerDirectoryOptions {
  readonly path: string;
  readonly brokerId: number;
  readonly fileSystem: FileSystem;
  readonly random: Random;
  /** Opens `<path>/kv`; its lock is what keeps a second broker out of the directory. */
  openKeyValueStore(path: string): Promise<KeyValueStore>;
}

/**
 * The data directory of one broker: locked, and with an identity that only a new directory makes
 * anew.
 * Layout: meta.json (identity), kv/ (LevelDB), wal/ and groups/ (the log store's).
 */
export class BrokerDirectory implements IdentityStore {
  readonly path: string;
  readonly keyValue: KeyValueStore;
  readonly #fileSystem: FileSystem;
  #identity: BrokerIdentity;

  private constructor(options: {
    readonly path: string;
    readonly fileSystem: FileSystem;
    readonly keyValue: KeyValueStore;
    readonly identity: BrokerIdentity;
  }) {
    this.path = options.path;
    this.#fileSystem = options.fileSystem;
    this.keyValue = options.keyValue;
    this.#identity = options.identity;
  }

  /**
   * Locks the directory, and makes it when it is not there. Rejects with DIRECTORY_IN_USE,
   * DIRECTORY_UNUSABLE (also when it
   * belongs to another broker) or STORAGE_DAMAGED.
   */
  static async open(options: BrokerDirectoryOptions): Promise<BrokerDirectory> {
    const { path, fileSystem } = options;
    try {
      await fileSystem.makeDirectory(path);
    } catch (error) {
      throw unusable(path, error);
    }
    const keyValue = await options.openKeyValueStore(`${path}/kv`);
    try {
      const identity = await readIdentity(options);
      if (identity.brokerId !== options.brokerId) {
        throw new CodedError(
          "DIRECTORY_UNUSABLE",
          `${path} belongs to broker ${identity.brokerId}, this one is ${options.brokerId}: ` +
            "check node.id and data.dir",
          { details: { directory: path, owner: identity.brokerId } },
        );
      }
      return new BrokerDirectory({ path, fileSystem, keyValue, identity });
    } catch (error) {
      await keyValue.close();
      throw error instanceof FileSystemError ? unusable(path, error) : error;
    }
  }

  get identity(): BrokerIdentity {
    return this.#identity;
  }

  async adoptCluster(clusterId: string): Promise<void> {
    const { identity } = this;
    if (identity.clusterId === clusterId) return;
    if (identity.clusterId !== undefined) {
      throw new CodedError(
        "CLUSTER_ID_MISMATCH",
        `${this.path} belongs to cluster ${identity.clusterId}, not to ${clusterId}: give this broker an ` +
          "empty directory, or the addresses of its own cluster",
        { details: { directory: this.path, clusterId: identity.clusterId } },
      );
    }
    const adopted = { ...identity, clusterId };
    await writeMeta(this.#fileSystem, this.path, adopted);
    this.#identity = adopted;
  }

  /** Gives the directory free. */
  close(): Promise<void> {
    return this.keyValue.close();
  }
}

async function readIdentity(options: BrokerDirectoryOptions): Promise<BrokerIdentity> {
  const { path, fileSystem, brokerId, random } = options;
  const bytes = await readMeta(fileSystem, path);
  if (bytes === undefined) {
    if (await fileSystem.exists(`${path}/wal`)) {
      throw new CodedError(
        "STORAGE_DAMAGED",
        `${path} has logs but no ${META_FILE}: restore the file, or start with an empty directory`,
      );
    }
    const identity = { brokerId, directoryId: randomUuid(random), clusterId: undefined };
    await writeMeta(fileSystem, path, identity);
    return identity;
  }
  const decoding = decodeJson(bytes, metaShape);
  if (!decoding.ok) {
    throw damagedMeta(path, decoding.reason);
  }
  if (decoding.value.formatVersion !== FORMAT_VERSION) {
    const found = decoding.value.formatVersion;
    throw new CodedError(
      "UNSUPPORTED_VERSION",
      `${path}/${META_FILE} at byte 0: it has format ${found}, this broker reads ` +
        `${FORMAT_VERSION}; start the version that wrote it, or restore the file if it is damaged`,
    );
  }
  const { directoryId, clusterId, checksum } = decoding.value;
  const identity = { brokerId: decoding.value.brokerId, directoryId, clusterId };
  // A flipped letter of an id is another id: this broker would be another replica with an old log.
  if (checksum !== undefined && checksum !== checksumOf(identity)) {
    throw damagedMeta(path, "it fails its checksum");
  }
  return identity;
}

function checksumOf({ brokerId, directoryId, clusterId }: BrokerIdentity): number {
  return crc32c(encodeJson([brokerId, directoryId, clusterId ?? null]));
}

function damagedMeta(path: string, reason: string): CodedError {
  return new CodedError(
    "STORAGE_DAMAGED",
    `${path}/${META_FILE} at byte 0: ${reason}; restore the file or replace this broker`,
  );
}

async function readMeta(fileSystem: FileSystem, path: string): Promise<Uint8Array | undefined> {
  const file = `${path}/${META_FILE}`;
  if (!(await fileSystem.exists(file))) return undefined;
  const handle = await fileSystem.open(file, "read");
  try {
    const sizeBytes = Math.min(await handle.sizeBytes(), META_BYTES_MAX);
    const bytes = new Uint8Array(sizeBytes);
    const readBytes = await handle.read(bytes, 0);
    return bytes.subarray(0, readBytes);
  } finally {
    await handle.close();
  }
}

/**
 * Temporary file, sync, rename, sync of the directory: after a crash the file is the old one or
 * the new one.
 */
async function writeMeta(
  fileSystem: FileSystem,
  path: string,
  identity: BrokerIdentity,
): Promise<void> {
  const temporary = `${path}/${META_FILE}.new`;
  if (await fileSystem.exists(temporary)) await fileSystem.remove(temporary);
  const handle = await fileSystem.open(temporary, "exclusive");
  try {
    const checksum = checksumOf(identity);
    const meta = { formatVersion: FORMAT_VERSION, ...identity, checksum };
    await handle.write([encodeJson(meta)], 0);
    await handle.dataSync();
  } finally {
    await handle.close();
  }
  await fileSystem.rename(temporary, `${path}/${META_FILE}`);
  await fileSystem.syncDirectory(path);
}

function unusable(path: string, error: unknown): CodedError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CodedError(
    "DIRECTORY_UNUSABLE",
    `the data directory ${path} cannot be used: ${reason}`,
    { details: { directory: path }, cause: error },
  );
}
