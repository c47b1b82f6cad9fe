// Brokers on disks of a few MiB: at the reserve producers are refused with an error that they may retry, and nothing
// else stops; what frees space brings producers back, without a restart.
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CodedError, connect, type Stratalog } from "@stratalog/client";
import { describe, expect, test } from "vitest";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { settled } from "../integration/settled.ts";
import { storedRecords } from "../integration/stored-records.ts";
import { canRun } from "../skips.ts";
import { SmallDisk, whyNoSmallDisk } from "./small-disk.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 64;
const RESERVE_BYTES = 24 * MIB;
const BALLAST_BYTES = RESERVE_BYTES / 8;
const SETTINGS = {
  "wal.file.bytes": MIB,
  "segment.bytes": MIB,
  "tail.cache.bytes": 8 * MIB,
  "disk.reserve.bytes": RESERVE_BYTES,
} as const;
const FILLER_BYTES = 100 * 1024;
const WINDOW = 8;
const WAIT_MS_MAX = 30_000;

const reason = whyNoSmallDisk();
const runs = canRun({
  need: "root",
  isMet: reason === undefined,
  name: "full disks",
  reason: reason ?? "",
});

/** A cluster whose brokers each have a small disk of their own. */
class SmallCluster implements AsyncDisposable {
  readonly processes: ProcessCluster;
  readonly disks: readonly SmallDisk[];
  readonly client: Stratalog;
  readonly kept = new Map<string, string>();
  #sequence = 0;

  private constructor(processes: ProcessCluster, disks: readonly SmallDisk[]) {
    this.processes = processes;
    this.disks = disks;
    this.client = connect({ brokers: processes.addresses });
  }

  static async start(brokers: 1 | 3): Promise<SmallCluster> {
    const processes = await ProcessCluster.create({ brokers, settings: SETTINGS });
    const disks = processes.brokers.map(
      ({ plan }) => new SmallDisk(join(plan.directory, "data"), DISK_MIB),
    );
    const cluster = new SmallCluster(processes, disks);
    try {
      await processes.startAll();
      const admin = cluster.client.admin();
      await admin.createTopic({ name: "kept", partitions: 1, replicationFactor: brokers });
      await admin.createTopic({ name: "filler", partitions: 3, replicationFactor: brokers });
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Sends records that must never be lost. */
  async keep(count: number): Promise<void> {
    await using producer = this.client.producer();
    for (let sent = 0; sent < count; sent++) {
      const value = `kept-${this.#sequence++}`;
      const { offset } = await producer.send({ topic: "kept", value });
      this.kept.set(String(offset), value);
    }
  }

  /** What a reader finds of them. */
  async readKept(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for await (const record of this.client.replay({ topic: "kept" })) {
      found.set(String(record.offset), record.text() ?? "");
    }
    return found;
  }

  /** Sends filler until it is refused or so much is stored; gives the refusal. */
  async fill(
    bytes = Number.POSITIVE_INFINITY,
    place: { readonly partition?: number } = {},
  ): Promise<CodedError | undefined> {
    await using producer = this.client.producer({ deliveryTimeoutMs: 2_000 });
    let refusal: CodedError | undefined;
    let sentBytes = 0;
    const work = async (): Promise<void> => {
      while (refusal === undefined && sentBytes < bytes) {
        sentBytes += FILLER_BYTES;
        const value = new Uint8Array(FILLER_BYTES);
        try {
          await producer.send({ topic: "filler", ...place, key: String(sentBytes), value });
        } catch (error) {
          refusal ??= CodedError.from(error);
        }
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, work));
    return refusal;
  }

  leaderOfKept(): Promise<number | undefined> {
    return this.leaderOf("kept");
  }

  async leaderOf(topic: string): Promise<number | undefined> {
    const { partitions } = await this.client.admin().describeTopic(topic);
    return partitions[0]?.leader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await Promise.all(this.processes.brokers.map((broker) => broker.kill()));
    for (const disk of this.disks) disk[Symbol.dispose]();
    await this.processes[Symbol.asyncDispose]();
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come`);
    await delay(50);
  }
}

/** A kill while the ballast is being made leaves less of it. */
function isBallastWhole({ path }: SmallDisk): boolean {
  const stats = statSync(join(path, "ballast"), { throwIfNoEntry: false });
  return stats?.size === BALLAST_BYTES;
}

/** What is left of a disk once nothing has changed it for a second. */
async function quietFreeBytes(disk: SmallDisk): Promise<number> {
  let freeBytes = Number.NaN;
  await until("a quiet disk", async () => {
    const before = disk.freeBytes;
    await delay(1_000);
    freeBytes = disk.freeBytes;
    return freeBytes === before;
  });
  return freeBytes;
}

describe.skipIf(!runs)("a disk at its reserve", () => {
  test("refuses producers, serves readers, votes, and takes writes again once retention freed space", async () => {
    await using cluster = await SmallCluster.start(3);
    const { client, processes, disks } = cluster;
    await cluster.keep(50);
    const refusal = await cluster.fill();
    expect(refusal).toMatchObject({ code: "STORAGE_FULL", retriable: true });
    for (const { freeBytes } of disks) expect(freeBytes).toBeGreaterThan(RESERVE_BYTES / 2);
    expect(await cluster.readKept()).toEqual(cluster.kept);

    const leader = processes.broker((await cluster.leaderOfKept()) ?? 0);
    await leader.kill();
    await until("another leader", async () => {
      const now = await cluster.leaderOfKept();
      return now !== undefined && now !== leader.plan.id;
    });
    expect(await cluster.readKept()).toEqual(cluster.kept);
    await leader.start();
    const pids = processes.brokers.map(({ pid }) => pid);

    const set = { "retention.bytes": String(MIB) };
    await client.admin().alterConfig("filler", { set });
    await until("room on every disk", () =>
      disks.every(({ freeBytes }) => freeBytes > RESERVE_BYTES * 1.5),
    );
    await cluster.keep(50);
    expect(await cluster.fill(2 * MIB)).toBeUndefined();
    expect(await cluster.readKept()).toEqual(cluster.kept);
    expect(processes.brokers.map(({ pid }) => pid)).toEqual(pids);
  }, 120_000);
});

describe.skipIf(!runs)("a follower's disk that is fuller than the others", () => {
  test("keeps half of its reserve while the others take writes, and has everything in the end", async () => {
    await using cluster = await SmallCluster.start(3);
    const { client, processes, disks } = cluster;
    await cluster.keep(20);
    await cluster.fill(MIB, { partition: 0 });
    const leaders = [await cluster.leaderOfKept(), await cluster.leaderOf("filler")];
    const follower = [1, 2, 3].find((id) => !leaders.includes(id)) ?? 0;
    const small = disks[follower - 1]!;
    small.take("other", small.freeBytes - RESERVE_BYTES - 4 * MIB);
    expect(await cluster.fill(20 * MIB, { partition: 0 })).toBeUndefined();
    await until("half of its reserve gone", () => small.freeBytes < RESERVE_BYTES / 2);
    await until("others leading what it led", async () => {
      const { partitions } = await client.admin().describeTopic("filler");
      return partitions.every(({ leader }) => leader !== undefined && leader !== follower);
    });
    // What it had taken goes to its segments still; of what is sent now it stores nothing.
    const freeBytes = await quietFreeBytes(small);
    expect(await cluster.fill(5 * MIB)).toBeUndefined();
    await cluster.keep(20);
    expect(await quietFreeBytes(small)).toBeGreaterThan(freeBytes - 2 * MIB);

    await client.admin().alterConfig("filler", { set: { "retention.bytes": String(MIB) } });
    // The other file stays: what retention frees must be room enough for all that was left out.
    await until("room for records", () => small.freeBytes > RESERVE_BYTES / 2);
    await cluster.keep(20);
    await settled(processes);
    small.remove("other");
    await cluster.keep(20);
    await settled(processes);
    await Promise.all(processes.brokers.map((broker) => broker.kill()));
    for (const { plan } of processes.brokers) {
      const stored = await storedRecords(plan, "kept");
      expect([...stored.values()]).toEqual([...cluster.kept.values()]);
    }
  }, 120_000);
});

describe.skipIf(!runs)("a disk that somebody else fills to the last byte", () => {
  test("keeps its broker alive; the ballast's room lets retention free space; nothing is lost", async () => {
    await using cluster = await SmallCluster.start(1);
    const { client, processes } = cluster;
    const disk = cluster.disks[0]!;
    const broker = processes.broker(1);
    await cluster.keep(50);
    await cluster.fill(12 * MIB);
    await until("the ballast", () => isBallastWhole(disk));
    const { pid } = broker;

    disk.fill("other");
    await until("the ballast overboard", () => disk.freeBytes > BALLAST_BYTES / 2);
    // A batch that was taken before the broker looked at its disk may wait there until it times out.
    await until("producers refused", async () => (await cluster.fill())?.code === "STORAGE_FULL");
    expect(await cluster.readKept()).toEqual(cluster.kept);
    const set = { "retention.bytes": String(MIB) };
    await client.admin().alterConfig("filler", { set });
    await until("room by retention", () => disk.freeBytes > BALLAST_BYTES + 3 * MIB);

    // Now without ballast: everything waits, nobody dies.
    disk.fill("more");
    expect(disk.freeBytes).toBe(0);
    await delay(3_000);
    expect(await cluster.readKept()).toEqual(cluster.kept);
    disk.remove("other");
    disk.remove("more");
    await until("producers welcome", async () => (await cluster.fill(MIB)) === undefined);
    await cluster.keep(50);
    expect(broker.pid).toBe(pid);
    await broker.kill();
    await broker.start();
    expect(await cluster.readKept()).toEqual(cluster.kept);
  }, 120_000);

  test("lets a killed broker start again, by its ballast", async () => {
    await using cluster = await SmallCluster.start(1);
    const disk = cluster.disks[0]!;
    const broker = cluster.processes.broker(1);
    await cluster.keep(50);
    await until("the ballast", () => isBallastWhole(disk));
    await broker.kill();
    disk.fill("other");
    expect(disk.freeBytes).toBe(0);
    await broker.start();
    expect(await cluster.readKept()).toEqual(cluster.kept);
    disk.remove("other");
    await until("producers welcome", async () => (await cluster.fill(MIB)) === undefined);
    await cluster.keep(10);
    expect(await cluster.readKept()).toEqual(cluster.kept);
  }, 120_000);
});
