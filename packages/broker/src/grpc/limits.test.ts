// Bounds of the client port at their edges: one below or at the bound passes, one above does not.
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { type LogFields, silentLogger } from "@stratalog/base";
import { callUnary, messageCodec } from "@stratalog/protocol";
import type { ConsumeRequest } from "@stratalog/protocol";
import { testBatch } from "@stratalog/partition/testing";
import { describe, expect, it } from "vitest";
import { CallMemory } from "./call-memory.ts";
import { type RunningApi, startApi } from "./testing/running-api.ts";

const MIB = 1024 * 1024;
/** RST_STREAM's "never mind". */
const CANCEL = 8;
const PRODUCE = "/stratalog.v1.ProduceService/ProduceStream";
const CONSUME = "/stratalog.v1.FetchService/Consume";
const METADATA = "/stratalog.v1.MetadataService/GetMetadata";

async function open(api: RunningApi): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${api.port}`);
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

function request(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  return stream;
}

/** The header of a gRPC message, and as much of its payload as is sent. */
function frame(payload: Uint8Array, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** The status that a stream ends with, or its reset code. */
function ending(stream: ClientHttp2Stream): Promise<string> {
  stream.resume();
  return new Promise((resolve) => {
    const note = (fields: NodeJS.Dict<string | string[] | number>): void => {
      if (fields["grpc-status"] !== undefined) resolve(`status ${String(fields["grpc-status"])}`);
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("close", () => resolve(`reset ${stream.rstCode}`));
  });
}

async function settled(isThere: () => boolean): Promise<void> {
  const endMs = Date.now() + 8_000;
  while (!isThere() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isThere()).toBe(true);
}

describe("connections", () => {
  it("of one address are turned away above its bound, and others come in when one goes", async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: LogFields) => void lines.push(fields) };
    const limits = { connectionsPerAddress: 2, connections: 10 };
    await using api = await startApi({ limits, logger });
    const [first, second] = [await open(api), await open(api)];
    const third = connect(`http://127.0.0.1:${api.port}`);
    third.on("error", () => {});
    await new Promise((resolve) => third.once("close", resolve));
    expect(api.api.listener.refusedConnectionCount).toBe(1);
    first.destroy();
    await settled(() => api.api.listener.connectionCount === 1);
    const fourth = await open(api);
    await settled(() => api.api.listener.connectionCount === 2);
    await settled(() => lines.length > 0);
    expect(lines).toEqual([{ connections: 1, slowCalls: 0, open: 2 }]);
    for (const session of [second, fourth]) session.destroy();
  });

  it("have no more streams than they are told, and are closed when they have had none", async () => {
    await using api = await startApi({ limits: { streamsPerConnection: 3, idleMs: 150 } });
    const session = await open(api);
    expect(session.remoteSettings.maxConcurrentStreams).toBe(3);
    const closed = new Promise((resolve) => session.once("close", resolve));
    expect(await ending(request(session, METADATA).end(frame(new Uint8Array(0))))).toBe("status 0");
    await closed;
  });

  it("are ended after their grace when a call outlives their age, and never without an age", async () => {
    const old = { ageMs: 300, ageGraceMs: 400, handshakeMs: 5_000 };
    await using api = await startApi({ limits: old });
    await using ageless = await startApi({ limits: { ageMs: 0, ageGraceMs: 0 } });
    const kept = await open(ageless);
    const startMs = performance.now();
    const session = await open(api);
    const closed = new Promise((resolve) => session.once("close", resolve));
    // A call in part: its client goes on for longer than it may.
    request(session, METADATA).write(frame(new Uint8Array(0), 100));
    await closed;
    expect(performance.now() - startMs).toBeGreaterThan(600);
    expect(await ending(request(kept, METADATA).end(frame(new Uint8Array(0))))).toBe("status 0");
    kept.destroy();
  });

  it("answer what was asked before their age", async () => {
    await using api = await startApi({ limits: { ageMs: 400 } });
    const client = api.client("FetchService");
    const ask = { topic: "orders", partition: 1, maxWaitMs: 4_000 };
    const poll = callUnary(client.fetch.bind(client), ask, { deadlineMs: Date.now() + 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 800));
    const { replica } = api.cluster.harness("orders", 1);
    await replica.produce({ batch: testBatch(), acks: "all", timeoutMs: 1_000 });
    expect((await poll).records).toHaveLength(1);
    await settled(() => api.api.listener.connectionCount === 0);
  });

  it("take messages up to the bound and none above", async () => {
    await using api = await startApi({ limits: { messageBytes: 2_000 } });
    const session = await open(api);
    // A text of 1,997 bytes is a message of 2,000.
    const message = (bytes: number): Buffer =>
      Buffer.concat([Buffer.from([0x0a, (bytes & 0x7f) | 0x80, bytes >> 7]), Buffer.alloc(bytes)]);
    expect(await ending(request(session, METADATA).end(frame(message(1_997))))).toBe("status 0");
    expect(await ending(request(session, METADATA).end(frame(message(1_998))))).toBe("status 8");
    session.destroy();
  });
});

describe("the memory of calls", () => {
  const memoryOf = (limits: Partial<ConstructorParameters<typeof CallMemory>[0]>): CallMemory =>
    new CallMemory({ connectionBytes: MIB, totalBytes: 10 * MIB, stalledMs: 60_000, ...limits });

  it("refuses requests in part above the bound of a connection, and lets go of them", async () => {
    const callMemory = memoryOf({});
    await using api = await startApi({ callMemory });
    const session = await open(api);
    const first = request(session, PRODUCE);
    first.write(frame(Buffer.alloc(700_000), 900_000));
    await settled(() => callMemory.total.usedBytes >= 700_000);
    const second = request(session, PRODUCE);
    second.write(frame(Buffer.alloc(500_000), 900_000));
    expect(await ending(second)).toBe("status 8");
    await settled(() => callMemory.total.usedBytes < 800_000);
    first.close(CANCEL);
    await settled(() => callMemory.total.usedBytes === 0);
    session.destroy();
  });

  it("counts a message that comes in small pieces for what it costs", async () => {
    const callMemory = memoryOf({ connectionBytes: 32 * 1024 });
    await using api = await startApi({ callMemory });
    const session = await open(api);
    const stream = request(session, PRODUCE);
    const end = ending(stream);
    stream.write(frame(new Uint8Array(0), 900_000));
    // Far fewer bytes than the bound; with what each piece costs, more.
    for (let count = 0; count < 1_000; count++) {
      stream.write(Buffer.alloc(1));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(await end).toBe("status 8");
    await settled(() => callMemory.total.usedBytes === 0);
    session.destroy();
  });

  it("ends a call whose client does not take its answers, and no other", async () => {
    const callMemory = memoryOf({
      connectionBytes: 40 * MIB,
      totalBytes: 90 * MIB,
      stalledMs: 300,
    });
    await using api = await startApi({ callMemory });
    const { replica } = api.cluster.harness("orders", 0);
    for (let count = 0; count < 20; count++) {
      const batch = testBatch({ values: ["v".repeat(100_000)] });
      await replica.produce({ batch, acks: "all", timeoutMs: 1_000 });
    }
    const session = await open(api);
    const consume = messageCodec<ConsumeRequest>("ConsumeRequest");
    const start = (): ClientHttp2Stream => {
      const stream = request(session, CONSUME);
      const partitions = [{ subscription: 1, topic: "orders", partition: 0, offset: 0 }];
      stream.write(frame(consume.encode({ subscribe: { partitions } })));
      stream.write(frame(consume.encode({ credit: { bytes: 8 * MIB } })));
      return stream;
    };
    const [stalled, reading] = [start(), start()];
    let readBytes = 0;
    reading.on("data", (bytes: Buffer) => (readBytes += bytes.length));
    const closed = new Promise((resolve) => stalled.once("close", resolve));
    await closed;
    expect(stalled.rstCode).toBe(11);
    expect(callMemory.stalledCount).toBe(1);
    await settled(() => readBytes > 2_000_000);
    expect(reading.destroyed).toBe(false);
    // Without a code, Node's client may never return from this call.
    reading.close(CANCEL);
    await settled(() => callMemory.total.usedBytes === 0);
    session.destroy();
  });

  it("refuses subscriptions above the bound of a connection", async () => {
    const callMemory = memoryOf({ connectionBytes: MIB });
    await using api = await startApi({ callMemory });
    const session = await open(api);
    const consume = messageCodec<ConsumeRequest>("ConsumeRequest");
    const stream = request(session, CONSUME);
    const end = ending(stream);
    // 512 bytes each: the third thousand is too many.
    for (let block = 0; block < 3; block++) {
      const partitions = Array.from({ length: 1_000 }, (_, index) => ({
        subscription: block * 1_000 + index,
        topic: "orders",
        partition: 1,
        offset: 0,
      }));
      stream.write(frame(consume.encode({ subscribe: { partitions } })));
    }
    expect(await end).toBe("status 8");
    await settled(() => callMemory.total.usedBytes === 0);
    session.destroy();
  });
});
