import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { type FlipEnding, type FlipOutcome, MemoryFileSystem } from "@stratalog/log-store/testing";
import { RecordedKeyValue } from "./level-directory.ts";
import { PARTITIONS, SimulatedCluster } from "./simulated-cluster.ts";
import type { MachineDisk } from "./simulated-machine.ts";

/** What one broker left. */
export interface LeftDisk {
  readonly fileSystem: MemoryFileSystem;
  readonly keyValue: MemoryKeyValueStore;
  /** All that was ever written to the key-value store, in order. */
  readonly batches: RecordedKeyValue["batches"];
}

/** What a cluster left, and what was acknowledged. */
export interface ClusterImage {
  readonly disks: readonly LeftDisk[];
  readonly expected: readonly (readonly string[])[];
  /** Number of the broker that leads the first partition when the cluster starts again. */
  readonly victim: number;
}

const SEED = 5;
const ROUNDS = 5;
/** Longer than the age at which segments are closed, and shorter than that of a checkpoint. */
const ROUND_MS = 1_100;

function copyOf({ fileSystem, keyValue }: LeftDisk): MachineDisk {
  const copy = keyValue.image();
  return {
    fileSystem: fileSystem.afterKill(),
    openKeyValueStore: () => Promise.resolve(copy),
  };
}

/** Runs a small cluster for a while, and ends it. */
export async function makeClusterImage(count: number, ending: FlipEnding): Promise<ClusterImage> {
  const cluster = new SimulatedCluster(SEED, count);
  const disks = Array.from({ length: count }, () => {
    const memory = new MemoryKeyValueStore();
    return { fileSystem: new MemoryFileSystem(), memory, keyValue: new RecordedKeyValue(memory) };
  });
  cluster.boot(
    disks.map(({ fileSystem, keyValue }) => {
      return { fileSystem, openKeyValueStore: () => Promise.resolve(keyValue) };
    }),
  );
  await allReady(cluster);
  await cluster.createTopic();
  const expected = PARTITIONS.map((): string[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const partition of PARTITIONS) {
      const values = ["a", "b", "c"].map((each) => `${partition}-${round}-${each.repeat(9)}`);
      await cluster.produce(partition, values);
      expected[partition]?.push(...values);
    }
    await cluster.until(() => false, ROUND_MS);
  }
  if (ending === "closed") {
    await cluster.settled(Promise.all(cluster.machines.map((machine) => machine.stop())));
  } else {
    for (const machine of cluster.machines) machine.kill();
  }
  const left = disks.map(({ fileSystem, memory, keyValue: { batches } }): LeftDisk => {
    const keyValue = memory.image(memory.unsyncedCount);
    return { fileSystem: fileSystem.afterKill(), keyValue, batches };
  });
  return { disks: left, expected, victim: await firstLeader(left) };
}

async function allReady(cluster: SimulatedCluster): Promise<void> {
  const { machines } = cluster;
  if (await cluster.until(() => machines.every(({ isReady }) => isReady))) return;
  throw new Error(`no cluster: ${machines.map(({ failure }) => failure ?? "waits").join()}`);
}

async function firstLeader(disks: readonly LeftDisk[]): Promise<number> {
  const cluster = new SimulatedCluster(SEED, disks.length);
  cluster.boot(disks.map(copyOf));
  await allReady(cluster);
  await cluster.leader(0);
  return cluster.leaderId(0) ?? 1;
}

/** The disks of the cluster, one of them damaged, and which file that is. */
export interface DamagedCluster {
  readonly image: ClusterImage;
  /** In the place of the victim's. */
  readonly disk: MachineDisk;
  /** Whether the damaged file still exists. */
  readonly isStillThere: () => boolean;
}

/** Starts the whole cluster on its disks and judges what the victim does, and what the others do. */
export async function judgeCluster(damaged: DamagedCluster): Promise<FlipOutcome> {
  try {
    return await judge(damaged);
  } catch (error) {
    return { result: "wrong", message: error instanceof Error ? error.message : String(error) };
  }
}

async function judge({ image, disk, isStillThere }: DamagedCluster): Promise<FlipOutcome> {
  const { disks, expected, victim } = image;
  const count = disks.length;
  const cluster = new SimulatedCluster(SEED, count);
  cluster.boot(disks.map((each, at) => (at + 1 === victim ? disk : copyOf(each))));
  const suspect = cluster.machines[victim - 1];
  if (suspect === undefined) throw new Error(`no broker ${victim}`);
  const others = cluster.machines.filter((machine) => machine !== suspect);
  const isSettled = await cluster.until(
    () =>
      others.every(({ isReady }) => isReady) && (suspect.isReady || suspect.failure !== undefined),
  );
  if (!isSettled) {
    const [reason] = suspect.damage;
    if (count === 1 && reason !== undefined) return refused(reason, isStillThere);
    throw new Error(`not ready: ${cluster.machines.map(({ isReady }) => isReady).join()}`);
  }
  if (count === 1 && suspect.failure !== undefined) return refused(suspect.failure, isStillThere);
  for (const partition of PARTITIONS) {
    try {
      await readAndWrite(cluster, partition, expected[partition] ?? []);
    } catch (error) {
      const [reason] = suspect.damage;
      if (count > 1 || reason === undefined) throw error;
      return refused(reason, isStillThere);
    }
  }
  for (const { id, failure } of others) {
    if (failure !== undefined) throw new Error(`broker ${id} ended: ${failure}`);
  }
  const [promise] = cluster.promises;
  if (promise !== undefined) throw new Error(promise);
  const reason = suspect.failure ?? suspect.damage[0];
  return reason === undefined ? { result: "served" } : refused(reason, isStillThere);
}

/** All that was acknowledged is served, and more is taken, whoever leads. */
async function readAndWrite(
  cluster: SimulatedCluster,
  partition: number,
  values: readonly string[],
): Promise<void> {
  const before = await cluster.read(partition);
  if (before.join("\n") !== values.join("\n")) {
    throw new Error(`partition ${partition} served ${JSON.stringify(before)}`);
  }
  await cluster.produce(partition, ["more"]);
  const after = await cluster.read(partition);
  if (after.join("\n") !== [...values, "more"].join("\n")) {
    throw new Error(`partition ${partition} served ${JSON.stringify(after)} after one more`);
  }
}

function refused(message: string, isStillThere: () => boolean): FlipOutcome {
  if (isStillThere()) return { result: "refused", message };
  return { result: "wrong", message: `the damaged file is gone: ${message}` };
}
