import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  brokerId,
  encodeUtf8,
  groupNumber,
  machineClock,
  machineRandom,
  machineTimers,
  type PartitionNumber,
  type ReplicaEpoch,
  silentLogger,
  sleep,
  type TopicId,
} from "@stratalog/base";
import { frameCodec, LogStore, NodeFileSystem } from "@stratalog/log-store";
import { emptyImage, type TopicImage } from "@stratalog/metadata";
import { Deadlines, type PartitionService } from "@stratalog/partition";
import { RaftHost } from "@stratalog/raft-host";
import { MemoryPeerNetwork } from "@stratalog/raft-host/testing";
import { BatchBuilder } from "@stratalog/record-batch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadBrokerConfig } from "../config/load-broker-config.ts";
import { LevelKeyValueStore } from "../node/level-key-value-store.ts";
import { LeaderTable } from "./leader-table.ts";
import { partitionOpener } from "./open-partition.ts";
import { ReplicaRegistry } from "./replica-registry.ts";

// Replicas over the real log store, Raft host and key-value store; only the metadata is made up.

const SELF = brokerId(1);
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-hosting-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const orders: TopicImage = {
  topicId: "3f6a0a3e-0000-4000-8000-000000000001" as TopicId,
  name: "orders",
  kind: "clients",
  replicationFactor: 1,
  config: {},
  partitions: [1, 2].map((group, index) => ({
    partition: index as PartitionNumber,
    group: groupNumber(group),
    replicas: [{ brokerId: SELF, replicaEpoch: 1 as ReplicaEpoch }],
  })),
};

async function startHosting() {
  const clock = machineClock;
  const timers = machineTimers;
  const logger = silentLogger;
  const keyValue = await LevelKeyValueStore.open(join(directory, "kv"));
  const failures: unknown[] = [];
  const logs = await LogStore.open({
    fileSystem: new NodeFileSystem(),
    keyValue,
    clock,
    timers,
    logger,
    directory,
    walFileBytes: 1024 * 1024,
    onFatal: (error) => failures.push(error),
  });
  const host = new RaftHost({
    brokerId: SELF,
    clock,
    timers,
    random: machineRandom,
    storage: logs,
    codec: frameCodec,
    peers: new MemoryPeerNetwork(timers).link(SELF),
    logger,
  });
  host.start();
  const empty = emptyImage();
  const deadlines = new Deadlines(clock, timers);
  const { topicDefaults } = loadBrokerConfig({ flags: ["node.id=1", `data.dir=${directory}`] });
  const opener = partitionOpener({ clock, deadlines, keyValue, logger, defaults: topicDefaults });
  const registry = new ReplicaRegistry({
    broker: SELF,
    metadata: {
      image: {
        ...empty,
        nextGroup: 3,
        topics: empty.topics.with(orders.topicId, orders),
        topicIds: empty.topicIds.with(orders.name, orders.topicId),
      },
      onChange: () => () => {},
    },
    logs,
    host,
    openers: { clients: opener, coordinator: opener },
    leaders: new LeaderTable(),
    onLedGroupsChange: () => {},
    timers,
    logger,
  });
  await registry.start();
  return {
    partition(number: number): PartitionService {
      const place = registry.lookup("orders", number);
      if (place.kind !== "local") throw new Error(`partition ${number} is ${place.kind}`);
      return place.replica;
    },
    async stop() {
      await host.stop();
      await registry.stop();
      await logs.close();
      await keyValue.close();
      deadlines.close();
      expect(failures).toEqual([]);
    },
  };
}

function batch(value: string, sequence: number): Uint8Array {
  const builder = new BatchBuilder({ producerId: 9, producerEpoch: 0, baseSequence: sequence });
  builder.append({ key: null, value: encodeUtf8(value), timestampMs: 1_000 + sequence });
  return builder.build();
}

/** Calls again while the new leader is not ready. */
async function produce(partition: PartitionService, value: string, sequence: number) {
  for (let attempt = 0; ; attempt++) {
    try {
      const request = { batch: batch(value, sequence), acks: "all", timeoutMs: 5_000 } as const;
      return await partition.produce(request);
    } catch (error) {
      if (attempt > 200) throw error;
      await sleep(machineTimers, 10);
    }
  }
}

describe("replicas over the real log store and Raft host", () => {
  it("store, serve and find again after a restart", async () => {
    const before = await startHosting();
    const offsets = await Promise.all(
      ["a", "b", "c"].map(async (value, sequence) => {
        const answer = await produce(before.partition(0), value, sequence);
        return answer.baseOffset;
      }),
    );
    expect(offsets).toEqual([0, 1, 2]);
    expect(await produce(before.partition(1), "x", 0)).toMatchObject({ baseOffset: 0 });
    await before.stop();

    const after = await startHosting();
    expect(await produce(after.partition(0), "c", 2)).toMatchObject({
      baseOffset: 2,
      duplicate: true,
    });
    expect(await produce(after.partition(0), "d", 3)).toMatchObject({ baseOffset: 3 });
    // One answer may end where the segments end and memory begins.
    const old = await after.partition(0).read({ offset: 0, maxBytes: 1_000_000 });
    expect(old).toMatchObject({ nextOffset: 3, highWatermark: 4 });
    const tail = await after.partition(0).read({ offset: 3, maxBytes: 1_000_000 });
    expect(tail).toMatchObject({ nextOffset: 4, highWatermark: 4 });
    expect(await after.partition(0).listOffset({ timestampMs: 1_002 })).toMatchObject({
      offset: 2,
    });
    expect(await after.partition(1).listOffset("latest")).toMatchObject({ offset: 1 });
    await after.stop();
  });
});
