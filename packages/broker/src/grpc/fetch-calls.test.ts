import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decodeUtf8, encodeUtf8 } from "@stratalog/base";
import { testBatch } from "@stratalog/partition/testing";
import {
  type ConsumePush,
  type ConsumeRequest,
  type ConsumeResponse,
  callUnary,
  fromWireError,
  type Input,
} from "@stratalog/protocol";
import { BatchBuilder, compressBatch, crc32c, decodeBatch } from "@stratalog/record-batch";
import { describe, expect, it } from "vitest";
import { type RunningApi, startApi } from "./testing/running-api.ts";

/** A consume stream and what came of it. */
class Consumer {
  readonly stream: ClientDuplexStream<Input<ConsumeRequest>, ConsumeResponse>;
  readonly pushes: ConsumePush[] = [];
  messageCount = 0;
  readonly ended: Promise<unknown>;

  constructor(api: RunningApi) {
    this.stream = api.client("FetchService").consume();
    this.stream.on("data", (message: ConsumeResponse) => {
      this.messageCount++;
      this.pushes.push(...message.pushes);
    });
    this.ended = new Promise((resolve) => {
      this.stream.on("error", resolve);
      this.stream.on("end", () => resolve(undefined));
    });
  }

  send(request: Input<ConsumeRequest>): this {
    this.stream.write(request);
    return this;
  }

  subscribe(subscription: number, partition: number, offset = 0, topic = "orders"): this {
    return this.send({ subscribe: { partitions: [{ subscription, topic, partition, offset }] } });
  }

  values(subscription: number): string[] {
    return this.pushes
      .filter((push) => push.subscription === subscription)
      .flatMap((push) => push.batches)
      .flatMap((batch) => [...decodeBatch(batch)])
      .map((record) => decodeUtf8(record.value ?? new Uint8Array(0)));
  }

  get bytes(): number {
    return this.pushes
      .flatMap((push) => push.batches)
      .reduce((sum, batch) => sum + batch.length, 0);
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

async function append(api: RunningApi, partition: number, ...values: string[]): Promise<void> {
  const { replica } = api.cluster.harness("orders", partition);
  await replica.produce({ batch: testBatch({ values }), acks: "all", timeoutMs: 1_000 });
}

const MIB = 1024 * 1024;

describe("consume", () => {
  it("pushes what is there and what comes, from the offset asked for", async () => {
    await using api = await startApi();
    await append(api, 0, "a", "b");
    await append(api, 0, "c");
    const consumer = new Consumer(api).subscribe(1, 0, 2).subscribe(2, 1);
    consumer.send({ credit: { bytes: MIB } });
    await until(() => consumer.pushes.length >= 2);
    expect(consumer.values(1)).toEqual(["c"]);
    await append(api, 1, "later");
    await until(() => consumer.values(2).length === 1);
    const [first] = consumer.pushes.filter((push) => push.subscription === 1);
    expect(first).toMatchObject({ nextOffset: 3, highWatermark: 3, leaderEpoch: 1 });
    // An empty partition says once where it ends.
    const empty = consumer.pushes.find((push) => push.subscription === 2);
    expect(empty).toMatchObject({ batches: [], nextOffset: 0, highWatermark: 0, error: null });
    consumer.stream.end();
    expect(await consumer.ended).toBeUndefined();
  });

  it("pushes within the credit, overdrawn by one batch at most", async () => {
    await using api = await startApi();
    const large = "x".repeat(10_000);
    for (let count = 0; count < 20; count++) await append(api, 0, large);
    const consumer = new Consumer(api).subscribe(1, 0);
    consumer.send({ credit: { bytes: 25_000 } });
    await until(() => consumer.bytes >= 20_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(consumer.bytes).toBeLessThan(25_000 + 10_100);
    const before = consumer.values(1).length;
    consumer.send({ credit: { bytes: 1 } }).send({ credit: { bytes: MIB } });
    await until(() => consumer.values(1).length === 20);
    expect(before).toBeLessThan(5);
    consumer.stream.cancel();
  });

  it("pauses, resumes, seeks and unsubscribes", async () => {
    await using api = await startApi();
    for (const value of ["a", "b", "c"]) await append(api, 0, value);
    const consumer = new Consumer(api).subscribe(1, 0).send({ pause: { subscriptions: [1, 9] } });
    consumer.send({ credit: { bytes: MIB } }).subscribe(2, 1);
    await until(() => consumer.pushes.some((push) => push.subscription === 2));
    expect(consumer.values(1)).toEqual([]);
    consumer.send({ resume: { subscriptions: [1] } });
    await until(() => consumer.values(1).length === 3);
    consumer.send({ seek: { subscription: 1, offset: 1, generation: 7 } });
    await until(() => consumer.values(1).length === 5);
    const after = consumer.pushes.filter((push) => push.generation === 7);
    expect(after[0]?.nextOffset).toBe(3);
    consumer.send({ unsubscribe: { subscriptions: [1] } }).subscribe(3, 0, 3);
    await until(() => consumer.pushes.some((push) => push.subscription === 3));
    await append(api, 0, "d");
    await until(() => consumer.values(3).length === 1);
    expect(consumer.values(1)).toEqual(["a", "b", "c", "b", "c"]);
    consumer.stream.cancel();
  });

  it("ends one subscription by its error and serves the others", async () => {
    await using api = await startApi();
    await append(api, 0, "a");
    const consumer = new Consumer(api).send({ credit: { bytes: MIB } });
    consumer.subscribe(1, 0, 99).subscribe(2, 5).subscribe(3, 0, 0, "nothing").subscribe(4, 0);
    await until(() => consumer.pushes.length >= 4);
    const errors = consumer.pushes.flatMap(({ subscription, error }) =>
      error === null ? [] : [[subscription, fromWireError(error)] as const],
    );
    const codes = new Map(errors.map(([subscription, error]) => [subscription, error.code]));
    expect(Object.fromEntries(codes)).toEqual({
      1: "OFFSET_OUT_OF_RANGE",
      2: "UNKNOWN_TOPIC_OR_PARTITION",
      3: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    const range = errors.find(([subscription]) => subscription === 1)?.[1].details;
    expect(range).toMatchObject({ logStartOffset: 0, highWatermark: 1 });
    expect(consumer.values(4)).toEqual(["a"]);
    consumer.subscribe(1, 0);
    await until(() => consumer.values(1).length === 1);
    consumer.stream.cancel();
  });

  it("tells a subscription that leadership went", async () => {
    await using api = await startApi();
    const consumer = new Consumer(api).send({ credit: { bytes: MIB } }).subscribe(1, 0);
    await until(() => consumer.pushes.length === 1);
    const { raft } = api.cluster.harness("orders", 0);
    raft.becomeFollower({ leader: 2, truncate: false });
    await until(() => consumer.pushes.length === 2);
    expect(consumer.pushes[1]?.error).toMatchObject({
      code: "NOT_LEADER",
      leader: { brokerId: 2, host: "b2.test", port: 9020 },
    });
    consumer.stream.cancel();
  });

  it("takes turns among partitions and keeps to the message size asked for", async () => {
    await using api = await startApi();
    for (let count = 0; count < 10; count++) {
      await append(api, 0, "x".repeat(2_000));
      await append(api, 1, "y".repeat(2_000));
    }
    const consumer = new Consumer(api).send({
      open: { maxMessageBytes: 4_096, maxPartitionBytes: 1_024 },
    });
    consumer
      .subscribe(1, 0)
      .subscribe(2, 1)
      .send({ credit: { bytes: MIB } });
    await until(() => consumer.values(1).length + consumer.values(2).length === 20);
    expect(consumer.messageCount).toBeGreaterThan(5);
    const turns = consumer.pushes.slice(0, 4).map((push) => push.subscription);
    expect(new Set(turns).size).toBe(2);
    consumer.stream.cancel();
  });

  it("reads from disk without losing order or news", async () => {
    await using api = await startApi();
    const { log } = api.cluster.harness("orders", 0);
    log.readMode = "later";
    for (let count = 0; count < 30; count++) await append(api, 0, `${count}`);
    const consumer = new Consumer(api).send({ open: { maxPartitionBytes: 1_024 } });
    consumer.subscribe(1, 0).send({ credit: { bytes: MIB } });
    for (let count = 30; count < 60; count++) {
      await append(api, 0, `${count}`);
      if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => consumer.values(1).length >= 60);
    expect(consumer.values(1)).toEqual([...Array(60).keys()].map(String));
    consumer.stream.cancel();
  });

  it.each([
    ["an empty command", {}],
    ["a late open", { open: {} }],
    ["a number in use", { subscribe: { partitions: [{ subscription: 1, topic: "orders" }] } }],
    ["no partitions", { subscribe: { partitions: [] } }],
    ["a negative offset", { seek: { subscription: 1, offset: -1 } }],
  ])("ends the stream at %s", async (_name, request: Input<ConsumeRequest>) => {
    await using api = await startApi();
    const consumer = new Consumer(api).subscribe(1, 0).send(request);
    expect(await consumer.ended).toMatchObject({ code: 3 });
  });

  it("does not let a consumer that never reads grow the broker", async () => {
    await using api = await startApi();
    const value = "x".repeat(500_000);
    for (let count = 0; count < 120; count++) await append(api, 0, value);
    const stream = api.client("FetchService").consume();
    stream.once("data", () => stream.pause());
    stream.on("error", () => {});
    stream.write({ open: { maxMessageBytes: 1_024 } });
    stream.write({ subscribe: { partitions: [{ subscription: 1, topic: "orders" }] } });
    stream.write({ credit: { bytes: 64 * MIB } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const text = await api.metrics.registry.metrics();
    const sent = Number(/stratalog_fetch_bytes_total (\d+)/.exec(text)?.[1]);
    // The client's window of 8 MiB and its stream's 16 messages, not the 60 MB that are there.
    expect(sent).toBeLessThan(20 * MIB);
    stream.cancel();
  });
});

describe("fetch", () => {
  const options = () => ({ deadlineMs: Date.now() + 5_000 });

  it("gives records, decompressed, from the offset asked for", async () => {
    await using api = await startApi();
    const builder = new BatchBuilder();
    for (let count = 0; count < 50; count++) {
      const value = encodeUtf8(`value ${count}`);
      builder.append({ key: encodeUtf8("k"), value, timestampMs: 5 });
    }
    const batch = await compressBatch(builder.build(), "gzip");
    const { replica } = api.cluster.harness("orders", 0);
    await replica.produce({ batch, acks: "all", timeoutMs: 1_000 });
    await append(api, 0, "last");
    const client = api.client("FetchService");
    const fetch = client.fetch.bind(client);
    const all = await callUnary(fetch, { topic: "orders", offset: 48 }, options());
    expect(all.records.map((record) => record.offset)).toEqual([48, 49, 50]);
    expect(all).toMatchObject({ nextOffset: 51, highWatermark: 51 });
    const few = await callUnary(fetch, { topic: "orders", maxRecords: 2 }, options());
    expect(few.records.map((record) => record.offset)).toEqual([0, 1]);
    expect(few.nextOffset).toBe(2);
  });

  it("does not pass over records that are malformed under a right checksum", async () => {
    await using api = await startApi();
    const { replica } = api.cluster.harness("orders", 0);
    const produce = (batch: Uint8Array): Promise<unknown> =>
      replica.produce({ batch, acks: "all", timeoutMs: 1_000 });
    const bad = testBatch({ values: ["a", "b"] });
    // A record that says it is longer than its batch.
    bad[61] = 0x7e;
    new DataView(bad.buffer, bad.byteOffset).setUint32(17, crc32c(bad, 21, bad.length));
    await produce(testBatch({ values: ["good"] }));
    await produce(bad);
    await produce(testBatch({ values: ["after"] }));
    const client = api.client("FetchService");
    const fetch = (offset: number) =>
      callUnary(
        client.fetch.bind(client),
        { topic: "orders", partition: 0, offset },
        { deadlineMs: Date.now() + 5_000 },
      );
    expect(await fetch(0)).toMatchObject({ records: [{ offset: 0 }], nextOffset: 1 });
    await expect(fetch(1)).rejects.toMatchObject({
      code: "CORRUPT_BATCH",
      details: { nextOffset: 3 },
    });
    expect(await fetch(3)).toMatchObject({ records: [{ offset: 3 }], nextOffset: 4 });
  });

  it("waits for records, and gives up waiting when the caller does", async () => {
    await using api = await startApi();
    const client = api.client("FetchService");
    const fetch = client.fetch.bind(client);
    const waiting = callUnary(fetch, { topic: "orders", maxWaitMs: 4_000 }, options());
    const { replica } = api.cluster.harness("orders", 0);
    await until(() => replica.describe().fetchWaiterCount === 1);
    await append(api, 0, "a");
    expect((await waiting).records).toHaveLength(1);
    const abort = new AbortController();
    const request = { topic: "orders", offset: 1, maxWaitMs: 4_000 };
    const given = callUnary(fetch, request, { ...options(), signal: abort.signal });
    await until(() => replica.describe().fetchWaiterCount === 1);
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: "ABORTED" });
    await until(() => replica.describe().fetchWaiterCount === 0);
  });

  it.each([
    ["an offset past the end", { topic: "orders", offset: 5 }, "OFFSET_OUT_OF_RANGE"],
    ["a negative offset", { topic: "orders", offset: -1 }, "INVALID_REQUEST"],
    ["too many records", { topic: "orders", maxRecords: 10_001 }, "INVALID_REQUEST"],
    ["too many bytes", { topic: "orders", maxBytes: 2 ** 31 }, "INVALID_REQUEST"],
    ["an unknown partition", { topic: "orders", partition: 2 }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["another leader epoch", { topic: "orders", leaderEpoch: 0 }, "FENCED_LEADER_EPOCH"],
  ])("refuses %s", async (_name, request, code) => {
    await using api = await startApi();
    const client = api.client("FetchService");
    const call = callUnary(client.fetch.bind(client), request, options());
    await expect(call).rejects.toMatchObject({ code });
  });
});

describe("listOffsets", () => {
  it("answers each question, the failed ones too", async () => {
    await using api = await startApi();
    const { replica } = api.cluster.harness("orders", 0);
    for (const timestampMs of [100, 200]) {
      const batch = testBatch({ timestampMs });
      await replica.produce({ batch, acks: "all", timeoutMs: 1_000 });
    }
    const client = api.client("FetchService");
    const queries = [
      { topic: "orders", earliest: {} },
      { topic: "orders", latest: {} },
      { topic: "orders", timestampMs: 150 },
      { topic: "orders", timestampMs: 500 },
      { topic: "orders", partition: 8, latest: {} },
    ];
    const { answers } = await callUnary(
      client.listOffsets.bind(client),
      { queries },
      { deadlineMs: Date.now() + 5_000 },
    );
    expect(answers.map((answer) => answer.offset)).toEqual([0, 2, 1, 2, -1]);
    expect(answers[2]?.timestampMs).toBe(200);
    expect(answers[4]?.error?.code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    const without = callUnary(
      client.listOffsets.bind(client),
      { queries: [{ topic: "orders" }] },
      { deadlineMs: Date.now() + 5_000 },
    );
    await expect(without).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });
});
