import { connect as connectHttp2 } from "node:http2";
import { createConnection } from "node:net";
import { CodedError, connect, type Stratalog } from "@stratalog/client";
import { callUnary, createServiceClient } from "@stratalog/protocol";
import { BatchBuilder } from "@stratalog/record-batch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerProcess } from "./broker-process.ts";
import { ProcessCluster } from "./process-cluster.ts";

// What clients may get wrong, against one broker process: a clear error each time, nothing lost,
// nobody else disturbed.

let cluster: ProcessCluster;
let broker: BrokerProcess;
let client: Stratalog;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ brokers: 1 });
  broker = cluster.broker(1);
  client = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
  await client.admin().createTopic({ name: "orders", partitions: 2 });
  await client.producer().send({ topic: "orders", key: "k", value: "v" });
}, 30_000);

afterAll(async () => {
  // All of it happened to one process, and its record is still there.
  const values: (string | null)[] = [];
  for await (const record of client.replay({ topic: "orders" })) values.push(record.text());
  await client.close();
  await cluster[Symbol.asyncDispose]();
  expect(values).toContain("v");
});

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<CodedError> {
  try {
    await call;
  } catch (error) {
    return CodedError.from(error);
  }
  throw new Error("the call did not fail");
}

async function drain(records: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of records);
}

describe("names and numbers", () => {
  it("of topics, partitions and groups that do not exist are said to be unknown", async () => {
    const admin = client.admin();
    const unknownTopic = await errorOf(admin.describeTopic("nowhere"));
    expect(unknownTopic.code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(unknownTopic.message).toContain("nowhere");
    const replay = await errorOf(drain(client.replay({ topic: "orders", partitions: [7] })));
    expect(replay.code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    const group = await errorOf(admin.describeGroup("nobody"));
    expect(group.code).toBe("GROUP_NOT_FOUND");
  });

  it.each(["a/b", "..", "", "new\nline", "x".repeat(250)])("topic %j is refused", async (name) => {
    const error = await errorOf(client.admin().createTopic({ name }));
    expect(error.code).toBe("INVALID_TOPIC");
  });

  it("beyond what there is are refused: replicas, fewer partitions, settings", async () => {
    const admin = client.admin();
    const codes = await Promise.all(
      [
        admin.createTopic({ name: "wide", replicationFactor: 3 }),
        admin.createTopic({ name: "orders" }),
        admin.addPartitions("orders", 1),
        admin.createTopic({ name: "odd", config: { "retention.msec": "1" } }),
      ].map(async (call) => (await errorOf(call)).code),
    );
    expect(codes).toEqual([
      "INVALID_REPLICATION_FACTOR",
      "TOPIC_ALREADY_EXISTS",
      "INVALID_PARTITIONS",
      "INVALID_CONFIG",
    ]);
  });

  it("of offsets out of range come back with the valid range", async () => {
    const far = { topic: "orders", partition: 0, offset: 99n } as const;
    const consumer = client.consumer({ assign: [far], autoOffsetReset: "none" });
    const error = await errorOf(drain(consumer));
    await consumer.close();
    const replay = client.replay({ topic: "orders", partitions: [0], from: { offset: 99 } });
    expect((await errorOf(drain(replay))).code).toBe("OFFSET_OUT_OF_RANGE");
    expect(error.code).toBe("OFFSET_OUT_OF_RANGE");
    expect(error.details).toMatchObject({ logStartOffset: 0 });
    expect(error.message).toMatch(/\[0, [01]\)/);
  });
});

describe("a batch", () => {
  const good = (): Uint8Array => {
    const builder = new BatchBuilder();
    builder.append({ key: null, value: new Uint8Array(100), timestampMs: 1 });
    return builder.build();
  };
  const changed = (position: number, value: number): Uint8Array => {
    const batch = good();
    batch[position] = value;
    return batch;
  };
  const large = (): Uint8Array => {
    const builder = new BatchBuilder();
    builder.append({ key: null, value: new Uint8Array(2 * 1024 * 1024), timestampMs: 1 });
    return builder.build();
  };

  it.each([
    ["with another checksum", () => changed(70, 9), "CORRUPT_BATCH"],
    ["with another magic", () => changed(16, 1), "CORRUPT_BATCH"],
    ["with another length", () => changed(11, 9), "CORRUPT_BATCH"],
    ["cut off in its header", () => good().subarray(0, 30), "CORRUPT_BATCH"],
    ["over max.message.bytes", large, "MESSAGE_TOO_LARGE"],
  ])("%s is refused", async (_what, batch, code) => {
    const service = createServiceClient("ProduceService", { address: broker.address });
    const result = await new Promise<{ code?: string }>((resolve, reject) => {
      const stream = service.produceStream();
      stream.on("data", ({ results }) => {
        const error: { code?: string } = results[0]?.error ?? {};
        resolve(error);
        stream.end();
      });
      stream.on("error", reject);
      const place = { correlation: 1, topic: "orders", partition: 0, timeoutMs: 5_000 };
      stream.write({ appends: [{ ...place, batch: batch(), acks: "ACKS_ALL" }] });
    });
    service.close();
    expect(result.code).toBe(code);
  });
});

describe("a group's member", () => {
  it("that commits in an epoch that is over is fenced", async () => {
    const service = createServiceClient("GroupService", { address: broker.address });
    const commit = (memberEpoch: number): Promise<unknown> =>
      callUnary(
        (...call) => service.commitOffsets(...call),
        {
          groupId: "fenced",
          memberId: "5a8e4a4e-0000-4000-8000-000000000001",
          memberEpoch,
          offsets: [{ topic: "orders", partition: 0, offset: 1 }],
        },
        { deadlineMs: Date.now() + 5_000 },
      );
    const error = await errorOf(commit(7));
    service.close();
    expect(["UNKNOWN_MEMBER", "FENCED_MEMBER_EPOCH", "GROUP_NOT_FOUND"]).toContain(error.code);
  });
});

describe("bytes that are no protocol", () => {
  it("as a gRPC message end that call and nothing else", async () => {
    const session = connectHttp2(`http://${broker.address}`);
    const status = await new Promise<unknown>((resolve, reject) => {
      const call = session.request({
        ":method": "POST",
        ":path": "/stratalog.v1.ProduceService/Produce",
        "content-type": "application/grpc",
        te: "trailers",
      });
      call.on("response", (headers) => {
        if (headers["grpc-status"] !== undefined) resolve(headers["grpc-status"]);
      });
      call.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
      call.on("error", reject);
      call.resume();
      const message = Buffer.alloc(64, 0xff);
      call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    });
    session.close();
    // INVALID_ARGUMENT or INTERNAL, by gRPC's numbers.
    expect(["3", "13"]).toContain(String(status));
    await expect(client.admin().describeTopic("orders")).resolves.toBeDefined();
  });

  it("on any port close that connection, and the broker lives", async () => {
    const { clientPort, peerPort, httpPort } = broker.plan;
    for (const port of [clientPort, peerPort, httpPort]) {
      for (const length of [1, 100, 100_000]) await sendNoise(port, length);
    }
    await expect(broker.get("/healthz")).resolves.toMatchObject({ status: 200 });
    await expect(client.admin().describeTopic("orders")).resolves.toBeDefined();
  });
});

describe("a client", () => {
  it("that is pointed at nothing says so in bounded time, with the addresses that it tried", async () => {
    await using lost = connect({
      brokers: ["127.0.0.1:1", "127.0.0.1:2"],
      requestTimeoutMs: 2_000,
    });
    const startMs = performance.now();
    const error = await errorOf(lost.admin().listTopics());
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(error.code).toBe("BROKER_NOT_AVAILABLE");
    expect(error.message).toContain("127.0.0.1:1");
    expect(error.message).toContain("127.0.0.1:2");
  });
});

/** Writes bytes that mean nothing, and waits until the connection is over. */
function sendNoise(port: number, length: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 73 + 11) % 256);
    socket.on("connect", () => socket.end(bytes));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}
