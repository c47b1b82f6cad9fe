import { call, produce, quietStream, stream } from "../attacks.ts";
import { section, type Row } from "../entry.ts";
import { goodBatch } from "./sample-batch.ts";

const create = (fields: object): ReturnType<typeof call> =>
  call("AdminService/CreateTopic", { name: "counted", ...fields });
const fetch = (fields: object): ReturnType<typeof call> =>
  call("FetchService/Fetch", { topic: "catalogue", partition: 0, ...fields });
const subscribe = (...partitions: readonly object[]): ReturnType<typeof stream> =>
  stream("FetchService/Consume", { subscribe: { partitions } });
const commit = (...offsets: readonly object[]): ReturnType<typeof call> =>
  call("GroupService/CommitOffsets", { groupId: "catalogue", offsets });
const many = <T>(count: number, of: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => of(index));
const place = { topic: "catalogue", partition: 0 };

const ROWS: readonly Row[] = [
  ["2,001 partitions", create({ partitionCount: 2_001 }), "INVALID_PARTITIONS"],
  ["4,294,967,295 partitions", create({ partitionCount: 2 ** 32 - 1 }), "INVALID_PARTITIONS"],
  ["more replicas than brokers", create({ replicationFactor: 3 }), "INVALID_REPLICATION_FACTOR"],
  [
    "4,294,967,295 replicas",
    create({ replicationFactor: 2 ** 32 - 1 }),
    "INVALID_REPLICATION_FACTOR",
  ],
  [
    "fewer partitions than there are",
    call("AdminService/AddPartitions", { name: "catalogue", partitionCount: 1 }),
    "INVALID_PARTITIONS",
  ],
  [
    "a page of 1,001 topics",
    call("AdminService/ListTopics", { pageSize: 1_001 }),
    "INVALID_REQUEST",
  ],
  ["a fetch from offset -1", fetch({ offset: -1 }), "INVALID_REQUEST"],
  ["a fetch from offset 2^53", fetch({ offset: 2 ** 53 }), "INVALID_REQUEST"],
  ["a fetch from offset 2^63 - 1024", fetch({ offset: 2 ** 63 - 1024 }), "INVALID_REQUEST"],
  ["a fetch from beyond the end", fetch({ offset: 1_000_000 }), "OFFSET_OUT_OF_RANGE"],
  ["a fetch of 4,294,967,295 bytes", fetch({ maxBytes: 2 ** 32 - 1 }), "INVALID_REQUEST"],
  ["a fetch of 10,001 records", fetch({ maxRecords: 10_001 }), "INVALID_REQUEST"],
  ["a fetch that waits for a day", fetch({ maxWaitMs: 86_400_000 }), "INVALID_REQUEST"],
  ["a fetch in leader epoch -1", fetch({ leaderEpoch: -1 }), "INVALID_REQUEST"],
  ["a fetch in leader epoch 2^52", fetch({ leaderEpoch: 2 ** 52 }), "UNKNOWN_LEADER_EPOCH"],
  [
    "a fetch of partition 4,294,967,295",
    fetch({ partition: 2 ** 32 - 1 }),
    "UNKNOWN_TOPIC_OR_PARTITION",
  ],
  [
    "1,001 questions for offsets",
    call("FetchService/ListOffsets", {
      queries: many(1_001, () => ({ ...place, latest: {} })),
    }),
    "INVALID_REQUEST",
  ],
  [
    "1,001 topics in one metadata request",
    call("MetadataService/GetMetadata", {
      topics: many(1_001, (index) => `t${index}`),
    }),
    "INVALID_REQUEST",
  ],
  [
    "100,000 topics in one metadata request",
    call("MetadataService/GetMetadata", {
      topics: many(100_000, (index) => `t${index}`),
    }),
    "INVALID_REQUEST",
  ],
  [
    "an append that waits for a day",
    produce(goodBatch(), { timeoutMs: 86_400_000 }),
    "INVALID_REQUEST",
  ],
  [
    "an append at expected offset -1",
    produce(goodBatch(), { expectedOffset: -1 }),
    "INVALID_REQUEST",
  ],
  [
    "an append with correlation 2^53",
    produce(goodBatch(), { correlation: 2 ** 53 }),
    "INVALID_REQUEST",
  ],
  [
    "1,025 appends in one message",
    stream("ProduceService/ProduceStream", {
      appends: many(1_025, (index) => ({ ...place, correlation: index })),
    }),
    "INVALID_REQUEST",
  ],
  [
    "10,001 records in one call",
    call("ProduceService/Produce", {
      ...place,
      records: many(10_001, () => ({})),
    }),
    "INVALID_REQUEST",
  ],
  [
    "a subscription from offset -1",
    subscribe({ subscription: 1, ...place, offset: -1 }),
    "INVALID_REQUEST",
  ],
  [
    "the same subscription twice",
    subscribe({ subscription: 1, ...place }, { subscription: 1, ...place }),
    "INVALID_REQUEST",
  ],
  [
    "1,001 subscriptions in one command",
    subscribe(...many(1_001, (index) => ({ subscription: index, ...place }))),
    "INVALID_REQUEST",
  ],
  [
    "a pause of 10,001 subscriptions",
    stream("FetchService/Consume", {
      pause: { subscriptions: many(10_001, (index) => index) },
    }),
    "INVALID_REQUEST",
  ],
  [
    "messages of 4,294,967,295 bytes",
    stream("FetchService/Consume", {
      open: { maxMessageBytes: 2 ** 32 - 1 },
    }),
    "INVALID_REQUEST",
  ],
  [
    "credit of 4,294,967,295 bytes without end",
    quietStream("FetchService/Consume", ...many(50, () => ({ credit: { bytes: 2 ** 32 - 1 } }))),
    "open",
    "answered",
  ],
  [
    "a session of 999 ms",
    stream("GroupService/GroupSession", {
      join: {
        groupId: "catalogue",
        memberId: "5a8e4a4e-0000-4000-8000-000000000001",
        topics: ["catalogue"],
        sessionTimeoutMs: 999,
      },
    }),
    "INVALID_REQUEST",
  ],
  [
    "a session of 4,294,967,295 ms",
    stream("GroupService/GroupSession", {
      join: {
        groupId: "catalogue",
        memberId: "5a8e4a4e-0000-4000-8000-000000000001",
        topics: ["catalogue"],
        sessionTimeoutMs: 2 ** 32 - 1,
      },
    }),
    "INVALID_REQUEST",
  ],
  ["a commit of offset -2", commit({ ...place, offset: -2 }), "INVALID_REQUEST"],
  [
    "a commit of one partition twice",
    commit({ ...place, offset: 1 }, { ...place, offset: 2 }),
    "INVALID_REQUEST",
  ],
  [
    "10,001 offsets in one commit",
    commit(...many(10_001, (partition) => ({ topic: "catalogue", partition, offset: 1 }))),
    "INVALID_REQUEST",
  ],
  [
    "4,097 bytes beside an offset",
    commit({ ...place, offset: 1, metadata: "m".repeat(4_097) }),
    "INVALID_REQUEST",
  ],
];

/** Numbers and counts at and beyond their ends. */
export const NUMBERS = section("numbers", ROWS);
