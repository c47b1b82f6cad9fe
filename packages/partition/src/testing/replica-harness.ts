import { encodeUtf8, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { BatchBuilder } from "@stratalog/record-batch";
import type { StoragePressure } from "../io/appender.ts";
import { Deadlines } from "../io/deadlines.ts";
import { PartitionReplica } from "../io/partition-replica.ts";
import type { SnapshotPlace } from "../io/snapshot-keeper.ts";
import {
  PARTITION_CONFIG_DEFAULTS,
  type PartitionConfig,
  type PartitionLimits,
} from "../partition-config.ts";
import { FakeReplication } from "./fake-replication.ts";
import { MemoryLog } from "./memory-log.ts";

/** One replica of topic "orders" on a fake Raft group. */
export interface ReplicaHarness {
  readonly time: ManualTime;
  readonly log: MemoryLog;
  readonly raft: FakeReplication;
  readonly replica: PartitionReplica;
}

export interface HarnessOptions {
  readonly log?: MemoryLog;
  readonly snapshots?: SnapshotPlace;
  readonly limits?: Partial<PartitionLimits>;
  readonly config?: Partial<PartitionConfig>;
  readonly pressure?: () => StoragePressure;
  readonly time?: ManualTime;
}

/** A replica that was just opened and follows nobody. */
export async function openReplica(options: HarnessOptions = {}): Promise<ReplicaHarness> {
  const time = options.time ?? new ManualTime();
  const log = options.log ?? new MemoryLog();
  const replica = await PartitionReplica.open({
    topic: "orders",
    partition: 0,
    log,
    clock: time,
    deadlines: new Deadlines(time, time),
    logger: silentLogger,
    config: { ...PARTITION_CONFIG_DEFAULTS, ...options.config },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.pressure === undefined ? {} : { pressure: options.pressure }),
    ...(options.snapshots === undefined ? {} : { snapshots: options.snapshots }),
  });
  const raft = new FakeReplication(log, replica);
  replica.attach(raft);
  return { time, log, raft, replica };
}

/** A replica that leads and is ready for producers. */
export async function openLeader(options: HarnessOptions = {}): Promise<ReplicaHarness> {
  const harness = await openReplica(options);
  harness.raft.becomeLeader();
  harness.raft.commit();
  return harness;
}

export interface TestBatch {
  readonly values?: readonly string[];
  readonly timestampMs?: number;
  readonly producer?: {
    readonly id: number;
    readonly epoch: number;
    readonly sequence: number;
  };
}

/** A batch of records without keys, by default one. */
export function testBatch(batch: TestBatch = {}): Uint8Array {
  const { values = ["value"], timestampMs = 1_000, producer } = batch;
  const builder = new BatchBuilder(
    producer === undefined
      ? {}
      : {
          producerId: producer.id,
          producerEpoch: producer.epoch,
          baseSequence: producer.sequence,
        },
  );
  for (const value of values) {
    builder.append({ key: null, value: encodeUtf8(value), timestampMs });
  }
  return builder.build();
}
