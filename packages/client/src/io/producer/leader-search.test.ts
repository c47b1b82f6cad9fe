import { CodedError, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import type { GetMetadataResponse } from "@stratalog/protocol";
import { describe, expect, test } from "vitest";
import { BatchBuffers } from "../../core/batch-buffers.ts";
import { PartitionQueue } from "../../core/partition-queue.ts";
import type { ProduceBatch } from "../../core/produce-batch.ts";
import type { Connection } from "../../ports/transport.ts";
import { Cluster } from "../cluster.ts";
import { Scope } from "../scope.ts";
import { LeaderSearch } from "./leader-search.ts";
import { QueueAlarms } from "./queue-alarms.ts";

const GONE = new CodedError("BROKER_NOT_AVAILABLE", "connection refused");

/** What every broker says: who leads the only partition. */
function metadata(leaderId: number, leaderEpoch: number): GetMetadataResponse {
  const place = { rack: "", fenced: false, host: "127.0.0.1" };
  const partition = { partition: 0, leaderId, leaderEpoch, replicaIds: [1, 2] };
  return {
    clusterId: "one",
    brokerId: 2,
    version: 1,
    brokers: [1, 2].map((brokerId) => ({ ...place, brokerId, port: 9000 + brokerId })),
    topics: [{ name: "t", topicId: "id", internal: false, partitions: [partition], error: null }],
  };
}

function createRig() {
  const time = new ManualTime();
  const rig = {
    time,
    answer: metadata(1, 4),
    askedCount: 0,
    woken: [] as number[],
  };
  const connect = (address: string): Connection => ({
    address,
    // Only metadata is asked for.
    call: () => {
      rig.askedCount++;
      return Promise.resolve(rig.answer as never);
    },
    open: () => {
      throw GONE;
    },
    close: () => {},
  });
  const environment = {
    clock: time,
    timers: time,
    random: new SeededRandom(5),
    transport: { connect },
    logger: silentLogger,
  };
  const options = { brokers: ["127.0.0.1:9002"], requestTimeoutMs: 30_000, clientId: "test" };
  const cluster = new Cluster(environment, options, new Scope("client", time));
  const alarms = new QueueAlarms(environment, () => void rig.woken.push(time.monotonicMs()));
  const queue = new PartitionQueue({
    topic: "t",
    partition: 0,
    kind: "plain",
    maxBatchBytes: 1_000,
    isIdempotent: true,
    maxInFlight: 5,
    buffers: new BatchBuffers({ bufferBytes: 1_000, keptBytesMax: 1_000 }),
  });
  cluster.cache.apply(rig.answer, 0);
  const search = new LeaderSearch(cluster, alarms);
  const fail = (attempts: number): void => {
    // Of a batch, only how often it was sent matters here.
    const batch = { attempts } as ProduceBatch;
    search.handleFailure({ queue, batch, brokerId: 1 }, GONE);
  };
  return { rig, time, queue, cluster, search, fail };
}

describe("the search for a leader", () => {
  test("ends the wait at once when any answer names a new leader", async () => {
    const { rig, time, queue, cluster, fail } = createRig();
    fail(15);
    await time.advanceAsync(50);
    expect(queue.lane.retryAtMs).toBeGreaterThan(300);
    expect(rig.woken).toEqual([]);
    cluster.cache.apply(metadata(2, 5), 0);
    expect(queue.lane.retryAtMs).toBe(0);
    expect(rig.woken).toEqual([50]);
  });

  test("takes the failed leader for no news", async () => {
    const { rig, time, fail } = createRig();
    fail(15);
    await time.advanceAsync(200);
    expect(rig.askedCount).toBe(1);
    expect(rig.woken).toEqual([]);
  });

  test("asks often at first and a few times a second later, for as long as nobody leads", async () => {
    const { rig, time, queue, fail } = createRig();
    const failedMs: number[] = [];
    for (let attempts = 1; time.monotonicMs() < 20_000; attempts++) {
      fail(attempts);
      failedMs.push(time.monotonicMs());
      await time.advanceAsync(Math.max(1, queue.lane.retryAtMs - time.monotonicMs()));
    }
    expect(failedMs.filter((timeMs) => timeMs < 500).length).toBeGreaterThan(7);
    expect(failedMs.filter((timeMs) => timeMs >= 10_000).length).toBeLessThan(30);
    expect(rig.askedCount).toBeLessThanOrEqual(failedMs.length);
  });

  test("tries the next leader without a wait when it is known already", () => {
    const { rig, queue, cluster, fail } = createRig();
    cluster.cache.apply(metadata(2, 5), 0);
    fail(1);
    expect(queue.lane.retryAtMs).toBe(0);
    expect(rig.askedCount).toBe(0);
  });
});
