import type { ClientDuplexStream } from "@grpc/grpc-js";
import { encodeUtf8 } from "@stratalog/base";
import { testBatch } from "@stratalog/partition/testing";
import {
  type AppendResult,
  callUnary,
  fromWireError,
  type Input,
  type ProduceStreamRequest,
  type ProduceStreamResponse,
} from "@stratalog/protocol";
import { describe, expect, it } from "vitest";
import { type RunningApi, startApi } from "./testing/running-api.ts";

type Stream = ClientDuplexStream<Input<ProduceStreamRequest>, ProduceStreamResponse>;

const deadlineMs = (): number => Date.now() + 5_000;

/** Results as they come, and the stream's end. */
class Results {
  readonly results: AppendResult[] = [];
  messageCount = 0;
  readonly ended: Promise<unknown>;
  #wake: () => void = () => {};

  constructor(stream: Stream) {
    stream.on("data", (message: ProduceStreamResponse) => {
      this.messageCount++;
      this.results.push(...message.results);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      stream.on("error", resolve);
      stream.on("end", () => resolve(undefined));
    });
  }

  async count(count: number): Promise<readonly AppendResult[]> {
    while (this.results.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.results;
  }
}

function open(api: RunningApi): { stream: Stream; results: Results } {
  const stream = api.client("ProduceService").produceStream();
  return { stream, results: new Results(stream) };
}

describe("produceStream", () => {
  it("appends batches of many partitions and answers each by its correlation", async () => {
    await using api = await startApi();
    const { stream, results } = open(api);
    stream.write({
      appends: [
        { correlation: 1, topic: "orders", partition: 0, batch: testBatch({ values: ["a", "b"] }) },
        { correlation: 2, topic: "orders", partition: 1, batch: testBatch() },
        { correlation: 3, topic: "orders", partition: 0, batch: testBatch(), acks: "ACKS_LEADER" },
      ],
    });
    api.cluster.harness("orders", 0).raft.durable();
    await results.count(2);
    api.cluster.harness("orders", 0).raft.durable();
    const answers = await results.count(3);
    const offsets = new Map(answers.map((answer) => [answer.correlation, answer.baseOffset]));
    expect(Object.fromEntries(offsets)).toEqual({ 1: 0, 2: 0, 3: 2 });
    expect(answers.every((answer) => answer.error === null && answer.leaderEpoch === 1)).toBe(true);
    stream.end();
    expect(await results.ended).toBeUndefined();
  });

  it("answers thousands of batches in order, gathered into few messages", async () => {
    await using api = await startApi();
    const { stream, results } = open(api);
    const total = 4_000;
    for (let start = 0; start < total; start += 100) {
      stream.write({
        appends: Array.from({ length: 100 }, (_, index) => ({
          correlation: start + index,
          topic: "orders",
          partition: 0,
          batch: testBatch(),
        })),
      });
    }
    const answers = await results.count(total);
    expect(answers.map((answer) => answer.correlation)).toEqual([...Array(total).keys()]);
    expect(answers.map((answer) => answer.baseOffset)).toEqual([...Array(total).keys()]);
    expect(results.messageCount).toBeLessThan(total / 10);
    expect(api.api.produceBudget.usedBytes).toBe(0);
  });

  it("answers what is wrong with one batch and goes on with the others", async () => {
    await using api = await startApi();
    const { stream, results } = open(api);
    const broken = testBatch();
    broken[30] = (broken[30] ?? 0) ^ 1;
    const magic = testBatch();
    magic[16] = 1;
    const cases = [
      { topic: "orders", batch: broken },
      { topic: "orders", batch: magic },
      { topic: "orders", batch: new Uint8Array(0) },
      { topic: "orders", batch: new Uint8Array(1_048_589) },
      { topic: "orders", partition: 7, batch: testBatch() },
      { topic: "nothing", batch: testBatch() },
      { topic: "../etc", batch: testBatch() },
      { topic: "orders", batch: testBatch(), expectedOffset: 9 },
      { topic: "orders", batch: testBatch(), leaderEpoch: 9 },
      { topic: "orders", batch: testBatch(), timeoutMs: 300_001 },
      { topic: "orders", batch: testBatch(), topicId: "00000000-0000-4000-8000-00000000000f" },
      { topic: "orders", batch: testBatch() },
    ];
    stream.write({ appends: cases.map((one, correlation) => ({ ...one, correlation })) });
    const answers = await results.count(cases.length);
    const codes = answers
      .toSorted((a, b) => a.correlation - b.correlation)
      .map((answer) => (answer.error === null ? "OK" : fromWireError(answer.error).code));
    expect(codes).toEqual([
      "CORRUPT_BATCH",
      "CORRUPT_BATCH",
      "CORRUPT_BATCH",
      "MESSAGE_TOO_LARGE",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "INVALID_TOPIC",
      "WRONG_EXPECTED_OFFSET",
      "UNKNOWN_LEADER_EPOCH",
      "INVALID_REQUEST",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "OK",
    ]);
  });

  it("says who leads, at the address of the client's listener", async () => {
    await using api = await startApi();
    await api.cluster.submit({
      type: "create-topic",
      topicId: "00000000-0000-4000-8000-0000000000aa" as never,
      name: "far",
      partitionCount: 1,
    });
    const { stream, results } = open(api);
    const append = { correlation: 1, topic: "far", batch: testBatch() };
    stream.write({ appends: [append] });
    const [first] = await results.count(1);
    expect(first?.error?.code).toBe("LEADER_NOT_AVAILABLE");
    for (const topic of api.cluster.image.topics.values()) {
      if (topic.name === "far") api.cluster.lead(topic.partitions[0]!.group, 3, 4);
    }
    stream.write({ appends: [{ ...append, correlation: 2 }] });
    const second = (await results.count(2))[1];
    expect(second?.error).toMatchObject({
      code: "NOT_LEADER",
      leader: { brokerId: 3, leaderEpoch: 4, host: "b3.test", port: 9030 },
    });
  });

  it("reads no further while too many bytes are in flight", async () => {
    await using api = await startApi({ produceInflightBytes: 100_000 });
    api.cluster.commits = "by-hand";
    const { stream, results } = open(api);
    const batch = testBatch({ values: ["x".repeat(50_000)] });
    for (let correlation = 0; correlation < 40; correlation++) {
      stream.write({ appends: [{ correlation, topic: "orders", partition: 0, batch }] });
    }
    const { raft } = api.cluster.harness("orders", 0);
    const { produceBudget } = api.api;
    let highestBytes = 0;
    while (results.results.length < 40) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      highestBytes = Math.max(highestBytes, produceBudget.usedBytes);
      raft.commit();
    }
    expect(highestBytes).toBeGreaterThan(0);
    // The bound may be passed by one message and no more.
    expect(highestBytes).toBeLessThan(100_000 + batch.length + 1);
    expect(results.results.map((answer) => answer.baseOffset)).toEqual([...Array(40).keys()]);
  });

  it("gives everything back when the client goes away", async () => {
    await using api = await startApi({ produceInflightBytes: 10 });
    api.cluster.commits = "by-hand";
    const { stream, results } = open(api);
    stream.write({ appends: [{ correlation: 1, topic: "orders", batch: testBatch() }] });
    stream.write({ appends: [{ correlation: 2, topic: "orders", batch: testBatch() }] });
    while (api.api.produceBudget.usedBytes === 0) await tick();
    stream.cancel();
    await results.ended;
    // The broker may hear of the cancellation after the first commit made room for one more.
    while (api.api.produceBudget.usedBytes > 0) {
      api.cluster.harness("orders", 0).raft.commit();
      await tick();
    }
    const text = await api.metrics.registry.metrics();
    expect(text).toMatch(/grpc_streams_open\{[^}]*ProduceStream"\} 0/);
  });

  it("does not let a small batch keep a large message alive", async () => {
    await using api = await startApi();
    const { stream, results } = open(api);
    const large = testBatch({ values: ["x".repeat(500_000)] });
    stream.write({
      appends: [
        { correlation: 1, topic: "orders", partition: 0, batch: testBatch() },
        { correlation: 2, topic: "orders", partition: 1, batch: large },
      ],
    });
    await results.count(2);
    const kept = [0, 1].map((partition) => {
      const { frames } = api.cluster.harness("orders", partition).log;
      return frames.find((frame) => frame.kind === "data")?.payload.buffer.byteLength;
    });
    expect(kept[0]).toBeLessThan(16_384);
    // The large one is still a view: nothing was copied.
    expect(kept[1]).toBeGreaterThan(large.length);
  });

  it("ends a stream whose message is not protobuf or empty, and serves the next", async () => {
    await using api = await startApi();
    const first = open(api);
    first.stream.write({ appends: [] });
    expect(await first.results.ended).toMatchObject({ code: 3 });
    const raw = api.client("ProduceService").makeBidiStreamRequest(
      "/stratalog.v1.ProduceService/ProduceStream",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    const ended = new Promise<Error>((resolve) => {
      raw.on("error", resolve);
    });
    raw.on("data", () => {});
    raw.write(Buffer.from([0x0a, 0xff, 0xff, 0xff]));
    expect((await ended).message).toContain("not protobuf");
    const { stream, results } = open(api);
    stream.write({ appends: [{ correlation: 1, topic: "orders", batch: testBatch() }] });
    expect((await results.count(1))[0]?.error).toBeNull();
  });
});

describe("produce", () => {
  const records = [
    { key: encodeUtf8("k"), value: encodeUtf8("v"), headers: [{ key: "h" }] },
    { timestampMs: 5 },
  ];
  const huge = { value: new Uint8Array(1_100_000) };

  it("appends structured records as one batch", async () => {
    await using api = await startApi();
    const client = api.client("ProduceService");
    const request = { topic: "orders", partition: 1, records };
    const options = { deadlineMs: deadlineMs() };
    const answer = await callUnary(client.produce.bind(client), request, options);
    expect(answer).toMatchObject({ baseOffset: 0, recordCount: 2, leaderEpoch: 1 });
    expect(api.cluster.harness("orders", 1).replica.highWatermark).toBe(2);
  });

  it.each([
    ["no records", { topic: "orders", records: [] }, "INVALID_REQUEST"],
    ["an unknown topic", { topic: "nothing", records }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an empty name", { topic: "", records }, "INVALID_TOPIC"],
    ["a huge record", { topic: "orders", records: [huge] }, "MESSAGE_TOO_LARGE"],
    ["a time before 1970", { topic: "orders", records: [{ timestampMs: -5 }] }, "INVALID_REQUEST"],
    ["a negative offset", { topic: "orders", records, expectedOffset: -1 }, "INVALID_REQUEST"],
  ])("refuses %s", async (_name, request, code) => {
    await using api = await startApi();
    const client = api.client("ProduceService");
    const options = { deadlineMs: deadlineMs() };
    const call = callUnary(client.produce.bind(client), request, options);
    await expect(call).rejects.toMatchObject({ code });
  });

  it("is cut off at the client's deadline", async () => {
    await using api = await startApi();
    api.cluster.commits = "by-hand";
    const client = api.client("ProduceService");
    const options = { deadlineMs: Date.now() + 100 };
    const call = callUnary(client.produce.bind(client), { topic: "orders", records }, options);
    await expect(call).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}
