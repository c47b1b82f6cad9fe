import { BROKERS_MAX, PARTITIONS_MAX, PARTITIONS_PER_TOPIC_MAX } from "@stratalog/metadata";
import { call, stream, streamFor } from "../catalogue/attacks.ts";
import type { Attack } from "../catalogue/entry.ts";
import type { FixedLimit, OtherLimit } from "./limit.ts";
import { TOPIC } from "./limited-broker.ts";

const MIB = 1024 * 1024;
const QUIET_MS = 1_000;
const PLACE = { topic: TOPIC, partition: 0 };

function many<T>(count: number, of: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

let nameCount = 0;

/** Topics that are asked for twice would be refused for that. */
function newName(length: number): string {
  return `n${nameCount++}`.padEnd(length, "x");
}

const create = (fields: object): Attack =>
  call("AdminService/CreateTopic", { name: newName(20), partitionCount: 1, ...fields });
const fetch = (fields: object): Attack => call("FetchService/Fetch", { ...PLACE, ...fields });
const record = (fields: object): Attack =>
  call("ProduceService/Produce", { ...PLACE, records: [{ value: Buffer.from("v"), ...fields }] });
const commit = (offsets: readonly object[], groupId = newName(20)): Attack =>
  call("GroupService/CommitOffsets", { groupId, offsets });
const join = (fields: object): Attack => {
  const memberId = "5a8e4a4e-0000-4000-8000-000000000001";
  const wanted = { groupId: newName(20), memberId, topics: [TOPIC], ...fields };
  return stream("GroupService/GroupSession", { join: wanted });
};
/** A stream that goes on when nothing is wrong: an answer need not come. */
const consume = (request: object): Attack => streamFor(QUIET_MS, "FetchService/Consume", [request]);

const REQUEST = "INVALID_REQUEST";

/** Limits without a setting, in the order of the page; each is tried at its edge. */
export const FIXED_LIMITS: readonly FixedLimit[] = [
  {
    what: "name of a topic",
    bound: 249,
    unit: "characters",
    code: "INVALID_TOPIC",
    ask: (length) => create({ name: newName(length) }),
  },
  {
    what: "name of a group",
    bound: 249,
    unit: "characters",
    code: "INVALID_GROUP_ID",
    ask: (length) => commit([{ ...PLACE, offset: 0 }], newName(length)),
  },
  {
    what: "name of a client, an instance or a rack",
    bound: 255,
    unit: "bytes",
    code: REQUEST,
    ask: (length) => join({ clientId: "c".repeat(length) }),
  },
  {
    what: "settings of a topic in one request",
    bound: 64,
    // None of them exists, which is found out after they were counted.
    code: REQUEST,
    ask: (count) => create({ config: many(count, (n) => ({ name: `key.${n}`, value: "1" })) }),
  },
  {
    what: "value of a topic's setting",
    bound: 1_024,
    unit: "characters",
    code: REQUEST,
    ask: (length) => create({ config: [{ name: "retention.ms", value: "1".repeat(length) }] }),
  },
  {
    what: "topics in one page of a list",
    bound: 1_000,
    code: REQUEST,
    ask: (count) => call("AdminService/ListTopics", { pageSize: count }),
  },
  {
    what: "questions in one `ListOffsets`",
    bound: 1_000,
    code: REQUEST,
    ask: (count) =>
      call("FetchService/ListOffsets", { queries: many(count, () => ({ ...PLACE, latest: {} })) }),
  },
  {
    what: "appends in one message of a produce stream",
    bound: 1_024,
    code: REQUEST,
    ask: (count) =>
      stream("ProduceService/ProduceStream", {
        appends: many(count, (correlation) => ({ ...PLACE, correlation })),
      }),
  },
  {
    what: "records in one `Produce`",
    bound: 10_000,
    code: REQUEST,
    ask: (count) => call("ProduceService/Produce", { ...PLACE, records: many(count, () => ({})) }),
  },
  {
    what: "key of a record in `Produce`",
    bound: 65_536,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => record({ key: Buffer.alloc(bytes) }),
  },
  {
    what: "headers of a record in `Produce`",
    bound: 64,
    code: REQUEST,
    ask: (count) => record({ headers: many(count, (n) => ({ key: `h${n}` })) }),
  },
  {
    what: "name of a header in `Produce`",
    bound: 1_024,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => record({ headers: [{ key: "h".repeat(bytes) }] }),
  },
  {
    what: "value of a header in `Produce`",
    bound: 65_536,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => record({ headers: [{ key: "h", value: Buffer.alloc(bytes) }] }),
  },
  {
    what: "records in one answer of `Fetch`",
    bound: 10_000,
    code: REQUEST,
    ask: (count) => fetch({ maxRecords: count }),
  },
  {
    what: "bytes of one answer of `Fetch`",
    bound: 8 * MIB,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => fetch({ maxBytes: bytes }),
  },
  {
    what: "message of a consume stream",
    bound: 8 * MIB,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => consume({ open: { maxMessageBytes: bytes } }),
  },
  {
    what: "partitions in one command to subscribe",
    bound: 1_000,
    code: REQUEST,
    ask: (count) =>
      consume({
        subscribe: { partitions: many(count, (subscription) => ({ subscription, ...PLACE })) },
      }),
  },
  {
    what: "subscriptions in one command to pause",
    bound: 10_000,
    code: REQUEST,
    ask: (count) => consume({ pause: { subscriptions: many(count, (n) => n) } }),
  },
  {
    what: "topics and prefixes of a member",
    bound: 1_000,
    code: REQUEST,
    ask: (count) => join({ topics: many(count, (n) => `t${n}`) }),
  },
  {
    what: "session of a member",
    bound: 1_800_000,
    unit: "ms",
    code: REQUEST,
    ask: (sessionTimeoutMs) => join({ sessionTimeoutMs }),
  },
  {
    what: "offsets in one commit",
    bound: 10_000,
    code: REQUEST,
    ask: (count) => commit(many(count, (partition) => ({ ...PLACE, partition, offset: 1 }))),
  },
  {
    what: "text beside an offset",
    bound: 4_096,
    unit: "bytes",
    code: REQUEST,
    ask: (bytes) => commit([{ ...PLACE, offset: 1, metadata: "m".repeat(bytes) }]),
  },
];

const COUNTS = "test/limits/cluster-counts.test.ts";

/** The same where asking for as much as the bound would take minutes. */
export const OTHER_LIMITS: readonly OtherLimit[] = [
  {
    what: "partitions of a topic, of a cluster",
    bound: [PARTITIONS_PER_TOPIC_MAX, PARTITIONS_MAX]
      .map((n) => n.toLocaleString("en-US"))
      .join(" and "),
    beyond: "INVALID_PARTITIONS",
    proof: {
      file: COUNTS,
      claim: "has topics of up to PARTITIONS_PER_TOPIC_MAX partitions, PARTITIONS_MAX together",
    },
  },
  {
    what: "brokers of a cluster",
    bound: BROKERS_MAX.toLocaleString("en-US"),
    beyond: REQUEST,
    proof: { file: COUNTS, claim: "has up to BROKERS_MAX brokers" },
  },
];
