import { CodedError } from "@stratalog/base";
import { testBatch } from "@stratalog/partition/testing";
import type {
  ConsumeResponse,
  GetMetadataResponse,
  ProduceStreamResponse,
  ServiceName,
} from "@stratalog/protocol";
import { describe, expect, it } from "vitest";
import type { LocalCallLimits, LocalOutgoingStream } from "../local/local-connection.ts";
import type { LocalStreamListener } from "../local/local-stream.ts";
import type { FakeCluster } from "./fake-cluster.ts";
import type { FakeCoordinator } from "./fake-coordinator.ts";

/** A client's way to a port, whatever carries it. */
export interface ContractConnection {
  call(
    service: ServiceName,
    name: string,
    request: unknown,
    limits: LocalCallLimits,
  ): Promise<unknown>;
  open(service: ServiceName, name: string, listener: LocalStreamListener): LocalOutgoingStream;
}

/** A port that runs over fakes, with topic "orders" of two partitions. */
export interface ContractPort extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly coordinator: FakeCoordinator;
  readonly produceBudget: { readonly usedBytes: number };
  connect(): ContractConnection;
  stop(graceMs: number): Promise<void>;
}

/** What came of a stream. */
class Heard<Message> implements LocalStreamListener {
  readonly messages: Message[] = [];
  readonly ended: Promise<CodedError>;
  endCount = 0;
  onEnd: (error: CodedError) => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.onEnd = (error) => {
        this.endCount++;
        resolve(error);
      };
    });
  }

  onMessage(message: unknown): void {
    // The test opened the stream by the name that this type belongs to.
    this.messages.push(message as Message);
  }
}

async function until(isThere: () => boolean): Promise<void> {
  const endMs = Date.now() + 5_000;
  while (!isThere()) {
    if (Date.now() > endMs) throw new Error("it did not come");
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

const limits = { timeoutMs: 5_000 };
const join = {
  groupId: "billing",
  memberId: "00000000-0000-4000-8000-00000000000a",
  topics: ["orders"],
};

/** What every carrier of calls must do alike. */
export function clientPortContract(name: string, openPort: () => Promise<ContractPort>): void {
  describe(`${name} keeps the contract of a client port`, () => {
    it("answers calls, with the defaults of what was left out", async () => {
      await using port = await openPort();
      const connection = port.connect();
      const request = { topics: ["orders", "nothing"] };
      const answer = await connection.call("MetadataService", "getMetadata", request, limits);
      const { brokers, topics } = answer as GetMetadataResponse;
      expect(brokers.map((broker) => broker.port)).toEqual([9010, 9020, 9030]);
      expect(topics.map((topic) => topic.error?.code ?? "OK")).toEqual([
        "OK",
        "UNKNOWN_TOPIC_OR_PARTITION",
      ]);
      expect(topics[1]).toMatchObject({ topicId: "", internal: false, partitions: [] });
    });

    it("carries errors with their details and the leader's address", async () => {
      await using port = await openPort();
      const connection = port.connect();
      const request = { topic: "orders", offset: 99 };
      const range = connection.call("FetchService", "fetch", request, limits);
      await expect(range).rejects.toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
        details: { offset: 99, logStartOffset: 0, highWatermark: 0 },
      });
      port.cluster.harness("orders", 0).raft.becomeFollower({ leader: 2, truncate: false });
      const moved = connection.call("FetchService", "fetch", { topic: "orders" }, limits);
      await expect(moved).rejects.toMatchObject({
        code: "NOT_LEADER",
        details: { leaderId: 2, leaderHost: "b2.test", leaderPort: 9020 },
      });
    });

    it("ends a call at its deadline and at its caller's will", async () => {
      await using port = await openPort();
      const connection = port.connect();
      const { replica } = port.cluster.harness("orders", 0);
      const request = { topic: "orders", maxWaitMs: 4_000 };
      const abort = new AbortController();
      const { signal } = abort;
      const aborted = connection.call("FetchService", "fetch", request, { ...limits, signal });
      await until(() => replica.describe().fetchWaiterCount === 1);
      abort.abort();
      await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
      await until(() => replica.describe().fetchWaiterCount === 0);
      port.cluster.commits = "by-hand";
      const produce = { topic: "orders", records: [{}] };
      const late = connection.call("ProduceService", "produce", produce, { timeoutMs: 50 });
      await expect(late).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
    });

    it("carries a stream both ways in order and ends it when all is answered", async () => {
      await using port = await openPort();
      const heard = new Heard<ProduceStreamResponse>();
      const stream = port.connect().open("ProduceService", "produceStream", heard);
      for (let correlation = 0; correlation < 100; correlation++) {
        stream.write({ appends: [{ correlation, topic: "orders", batch: testBatch() }] });
      }
      stream.end();
      expect((await heard.ended).code).toBe("REQUEST_TIMED_OUT");
      const results = heard.messages.flatMap((message) => message.results);
      expect(results.map((result) => result.baseOffset)).toEqual([...Array(100).keys()]);
      expect(heard.endCount).toBe(1);
      expect(port.produceBudget.usedBytes).toBe(0);
    });

    it("pushes what comes, and lets go of a stream that its client cancels", async () => {
      await using port = await openPort();
      const heard = new Heard<ConsumeResponse>();
      const stream = port.connect().open("FetchService", "consume", heard);
      stream.write({ subscribe: { partitions: [{ subscription: 4, topic: "orders" }] } });
      stream.write({ credit: { bytes: 1_000_000 } });
      await until(() => heard.messages.length === 1);
      const { replica } = port.cluster.harness("orders", 0);
      await replica.produce({ batch: testBatch(), acks: "all", timeoutMs: 1_000 });
      await until(() => heard.messages.length === 2);
      const [push] = heard.messages[1]?.pushes ?? [];
      expect(push).toMatchObject({ subscription: 4, nextOffset: 1, error: null });
      expect(push?.batches).toHaveLength(1);
      const session = new Heard();
      const member = port.connect().open("GroupService", "groupSession", session);
      member.write({ join });
      await until(() => session.messages.length === 2);
      member.cancel();
      stream.cancel();
      await Promise.all([heard.ended, session.ended]);
      await until(() => port.coordinator.closedCount === 1);
    });

    it("ends a stream with the error of what a client may not send", async () => {
      await using port = await openPort();
      const heard = new Heard();
      const stream = port.connect().open("FetchService", "consume", heard);
      stream.write({});
      expect((await heard.ended).code).toBe("INVALID_REQUEST");
      expect(stream.write({ credit: { bytes: 1 } })).toBe(true);
      const unknown = new Heard();
      const second = port.connect().open("GroupService", "groupSession", unknown);
      second.write({ ping: {} });
      expect((await unknown.ended).code).toBe("INVALID_REQUEST");
    });

    it("keeps its promises when it stops, and waits for no stream and no long poll", async () => {
      await using port = await openPort();
      port.cluster.commits = "by-hand";
      const connection = port.connect();
      const produced = new Heard<ProduceStreamResponse>();
      const stream = connection.open("ProduceService", "produceStream", produced);
      stream.write({ appends: [{ correlation: 1, topic: "orders", batch: testBatch() }] });
      const consumed = new Heard();
      const consumer = connection.open("FetchService", "consume", consumed);
      consumer.write({ credit: { bytes: 1 } });
      const request = { topic: "orders", partition: 1, maxWaitMs: 4_000 };
      const poll = connection.call("FetchService", "fetch", request, limits);
      poll.catch(() => {});
      const { replica } = port.cluster.harness("orders", 1);
      await until(() => replica.describe().fetchWaiterCount === 1);
      await until(() => port.produceBudget.usedBytes > 0);
      const stopped = port.stop(3_000);
      await expect(poll).rejects.toMatchObject({ code: "BROKER_NOT_AVAILABLE" });
      expect((await consumed.ended).code).toBe("BROKER_NOT_AVAILABLE");
      port.cluster.harness("orders", 0).raft.commit();
      expect((await produced.ended).code).toBe("BROKER_NOT_AVAILABLE");
      expect(produced.messages).toMatchObject([{ results: [{ correlation: 1, baseOffset: 0 }] }]);
      await stopped;
      const after = port.connect().call("MetadataService", "getMetadata", {}, limits);
      await expect(after).rejects.toMatchObject({ code: "BROKER_NOT_AVAILABLE" });
    });
  });
}
