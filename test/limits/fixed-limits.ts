import { setTimeout as delay } from "node:timers/promises";
import { BatchBuilder } from "@stratalog/record-batch";
import { BROKERS_MAX, PARTITIONS_MAX, PARTITIONS_PER_TOPIC_MAX } from "@stratalog/metadata";
import { call, stream, streamFor } from "../catalogue/attacks.ts";
import type { Attack } from "../catalogue/entry.ts";
import type { FixedLimit, OtherLimit } from "./limit.ts";
import { TOPIC } from "./limited-broker.ts";

const MIB = 1024 * 1024;
const QUIET_MS = 1_000;
const COMMAND_SIZE = 1_000;
const TEXT_BYTES = 4_096;
const RETRY_MS = 50;
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

/** A batch of so many records without key or value; the stream goes on after its answer. */
const produceBatch = (count: number): Attack => {
  const builder = new BatchBuilder();
  for (let index = 0; index < count; index++) {
    builder.append({ key: null, value: null, timestampMs: 1 });
  }
  const append = { correlation: 1, ...PLACE, batch: builder.build(), timeoutMs: 5_000 };
  return streamFor(QUIET_MS, "ProduceService/ProduceStream", [{ appends: [append] }]);
};
/** So many subscriptions, by as few commands as may be. */
const subscribe = (count: number): Attack => {
  const partitions = many(count, (subscription) => ({ subscription, ...PLACE }));
  const commands = many(Math.ceil(count / COMMAND_SIZE), (index) => ({
    subscribe: { partitions: partitions.slice(index * COMMAND_SIZE, (index + 1) * COMMAND_SIZE) },
  }));
  return streamFor(QUIET_MS, "FetchService/Consume", commands);
};
/** Again until the groups' topic is there, which whoever looks for a coordinator makes. */
const onceCoordinated =
  (attack: Attack): Attack =>
  async (target) => {
    await call("GroupService/FindCoordinator", { groupId: "first" })(target);
    for (;;) {
      const outcome = await attack(target);
      const isEarly = outcome.kind === "error" && outcome.code === "COORDINATOR_NOT_AVAILABLE";
      if (!isEarly) return outcome;
      await delay(RETRY_MS);
    }
  };
/** So many bytes of text in all, each offset with as much as one may have. */
const commitText = (bytes: number): Attack =>
  onceCoordinated(
    commit(
      many(Math.ceil(bytes / TEXT_BYTES), (partition) => ({
        ...PLACE,
        partition,
        offset: 1,
        metadata: "m".repeat(Math.min(TEXT_BYTES, bytes - partition * TEXT_BYTES)),
      })),
    ),
  );

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
    what: "records in one batch",
    bound: 50_000,
    code: "MESSAGE_TOO_LARGE",
    ask: produceBatch,
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
    what: "subscriptions of one consume stream",
    bound: 10_000,
    code: REQUEST,
    ask: subscribe,
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
  {
    what: "text beside the offsets of one commit",
    bound: 262_144,
    unit: "bytes",
    code: REQUEST,
    ask: commitText,
  },
];

const COUNTS = "test/limits/cluster-counts.test.ts";
const PAGES = "packages/broker/src/http/http-listener.test.ts";

/** The same where asking is not enough, or for as much as the bound would take minutes. */
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
  {
    what: "TLS handshakes at one time, on each port for clients",
    bound: "256",
    beyond: "the connection is closed as it comes",
    proof: {
      file: "packages/broker/src/grpc/socket-acceptor.test.ts",
      claim: "turns one more away while HANDSHAKES_MAX have not ended",
    },
  },
  {
    what: "deadline of a call without a stream",
    bound: "300,000 ms",
    beyond: "it is cut to that",
    proof: {
      file: "packages/broker/src/grpc/unary.test.ts",
      claim: "gives a call the time that its client names, up to CALL_TIMEOUT_MS_MAX",
    },
  },
  {
    what: "credit that a consume stream heaps up",
    bound: "67,108,864 bytes",
    beyond: "more is not counted",
    proof: {
      file: "packages/broker/src/services/sessions.test.ts",
      claim: "has bounds on subscriptions and credit",
    },
  },
  {
    what: "commits in flight of one group session",
    bound: "64",
    beyond: "the session is not read until one is answered",
    proof: {
      file: "packages/broker/src/grpc/group-calls.test.ts",
      claim: "reads no further while too many commits wait",
    },
  },
  {
    what: "headers of a request of a page",
    bound: "8,192 bytes",
    beyond: "the connection is closed",
    proof: {
      file: PAGES,
      claim: "takes headers of HEADER_BYTES_MAX and none of more",
    },
  },
  {
    what: "time for a request of a page to come",
    bound: "5,000 ms",
    beyond: "the connection is closed",
    proof: { file: PAGES, claim: "gives a request its time to come, and no more" },
  },
];
