import { type Deferred, deferred, encodeUtf8 } from "@stratalog/base";
import type { GroupCheckpoint } from "../core/checkpoint-format.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import { INITIAL_HARD_STATE } from "../core/hard-state.ts";
import { putGroup } from "./checkpoint-store.ts";
import { groupDirectory } from "./group-entry.ts";
import type { LogStoreSettings } from "./store-options.ts";
import type { WalWriter } from "./wal-writer.ts";

interface Request {
  readonly descriptor: GroupDescriptor;
  readonly created: Deferred<GroupCheckpoint>;
}

/**
 * Makes groups durable: their directories, then their first checkpoints. Those that are asked for
 * while others are being made share one sync of each, so that a topic of a hundred partitions costs
 * little more than one.
 */
export class GroupCreator {
  readonly #settings: LogStoreSettings;
  readonly #wal: WalWriter;
  #waiting: Request[] = [];
  #isRunning = false;

  constructor(settings: LogStoreSettings, wal: WalWriter) {
    this.#settings = settings;
    this.#wal = wal;
  }

  /** Resolves with the group's first checkpoint once it is durable. */
  create(descriptor: GroupDescriptor): Promise<GroupCheckpoint> {
    const created = deferred<GroupCheckpoint>();
    this.#waiting.push({ descriptor, created });
    if (!this.#isRunning) {
      this.#isRunning = true;
      // Failures go to those who asked; the loop itself has none.
      void this.#run();
    }
    return created.promise;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const requests = this.#waiting;
      this.#waiting = [];
      try {
        const checkpoints = await this.#createAll(requests);
        for (const [at, { created }] of requests.entries()) {
          created.resolve(checkpoints[at] as GroupCheckpoint);
        }
      } catch (error) {
        for (const { created } of requests) created.reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #createAll(requests: readonly Request[]): Promise<readonly GroupCheckpoint[]> {
    const { fileSystem, directory, keyValue } = this.#settings;
    for (const { descriptor } of requests) await this.#makeDirectory(descriptor);
    await fileSystem.syncDirectory(`${directory}/groups`);
    // Records of an earlier replica of the group are in batches before the one that is being
    // gathered.
    const batch = this.#wal.gathering.batch - 1;
    const checkpoints = requests.map(({ descriptor }) => firstCheckpoint(descriptor, batch));
    await keyValue.write(checkpoints.map(putGroup), { sync: true });
    return checkpoints;
  }

  /**
   * The file in it is for people who look; what counts is the checkpoint, so nothing in here is
   * synced.
   */
  async #makeDirectory(descriptor: GroupDescriptor): Promise<void> {
    const { fileSystem } = this.#settings;
    const directory = groupDirectory(this.#settings, descriptor);
    await fileSystem.makeDirectory(directory);
    const file = await fileSystem.open(`${directory}/group.json`, "create");
    try {
      await file.truncate(0);
      await file.write([encodeUtf8(`${JSON.stringify(descriptor, undefined, 2)}\n`)], 0);
    } finally {
      await file.close();
    }
  }
}

function firstCheckpoint(descriptor: GroupDescriptor, batch: number): GroupCheckpoint {
  return {
    descriptor,
    batch,
    firstIndex: 1,
    firstOffset: 0,
    lastIndex: 0,
    nextOffset: 0,
    logStartOffset: 0,
    droppableIndex: 0,
    termBefore: 0,
    termRuns: [],
    configIndexes: [],
    hardState: INITIAL_HARD_STATE,
  };
}
