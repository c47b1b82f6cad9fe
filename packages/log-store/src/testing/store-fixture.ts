import { groupNumber, type GroupNumber, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import type { Frame } from "../core/frame.ts";
import { type GroupWrite, LogStore } from "../io/log-store.ts";
import type { LogStoreOptions } from "../io/store-options.ts";
import { dataFrame, nextPlace } from "./frames.ts";
import { MemoryFileSystem } from "./memory-file-system.ts";

/** The directory that fixtures use. */
export const FIXTURE_DIRECTORY = "/data";

/** A log store on a disk in memory, with time that moves only when told to. */
export class StoreFixture {
  readonly fileSystem: MemoryFileSystem;
  readonly keyValue: MemoryKeyValueStore;
  readonly time = new ManualTime();
  readonly store: LogStore;
  readonly fatal: Error[];

  private constructor(parts: {
    readonly fileSystem: MemoryFileSystem;
    readonly keyValue: MemoryKeyValueStore;
    readonly store: LogStore;
    readonly fatal: Error[];
    readonly time: ManualTime;
  }) {
    this.fileSystem = parts.fileSystem;
    this.keyValue = parts.keyValue;
    this.store = parts.store;
    this.fatal = parts.fatal;
    this.time = parts.time;
  }

  /** Opens a store; on an empty disk, or on what another fixture left. */
  static async open(
    options: Partial<LogStoreOptions> = {},
    disk: { readonly fileSystem: MemoryFileSystem; readonly keyValue: MemoryKeyValueStore } = {
      fileSystem: new MemoryFileSystem(),
      keyValue: new MemoryKeyValueStore(),
    },
  ): Promise<StoreFixture> {
    const time = new ManualTime();
    const fatal: Error[] = [];
    const { fileSystem, keyValue } = disk;
    await fileSystem.makeDirectory(FIXTURE_DIRECTORY);
    await fileSystem.syncDirectory("/");
    const store = await LogStore.open({
      fileSystem,
      keyValue,
      clock: time,
      timers: time,
      logger: silentLogger,
      directory: FIXTURE_DIRECTORY,
      walFileBytes: 16 * 1024,
      onFatal: (error) => fatal.push(error),
      ...options,
    });
    return new StoreFixture({ fileSystem, keyValue, time, store, fatal });
  }

  /** Makes a partition's group. */
  async group(group: number): Promise<GroupNumber> {
    const number = groupNumber(group);
    await this.store.createGroup({ group: number, kind: "partition", replicaEpoch: 1 });
    return number;
  }

  /** Writes and waits until it is durable. */
  write(writes: readonly GroupWrite[]): Promise<void> {
    return new Promise((resolve) => this.store.write(writes, resolve));
  }

  /** Appends committed data frames of a size, one write each. */
  async appendData(group: GroupNumber, frameCount: number, valueBytes = 100): Promise<void> {
    for (let count = 0; count < frameCount; count++) {
      await this.write([this.dataWrite(group, valueBytes)]);
    }
  }

  /** A write of one data frame of two records, which commits it too. */
  dataWrite(group: GroupNumber, valueBytes = 100): GroupWrite {
    const log = this.store.view(group);
    const place = nextPlace(log, Math.max(1, log.hardState.term));
    const value = new Uint8Array(valueBytes).fill(place.index);
    const frames: Frame[] = [dataFrame(place, value, [place.index * 10, place.index * 10 + 1])];
    return { group, frames, hardState: { term: place.term, vote: 0, commit: place.index } };
  }

  /** What the killed process leaves. */
  disk(): { readonly fileSystem: MemoryFileSystem; readonly keyValue: MemoryKeyValueStore } {
    return { fileSystem: this.fileSystem.afterKill(), keyValue: this.keyValue.image() };
  }

  /** The store that a restart of the killed process opens. */
  restart(options: Partial<LogStoreOptions> = {}): Promise<StoreFixture> {
    return StoreFixture.open(options, this.disk());
  }
}
