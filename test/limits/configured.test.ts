// Limits that a setting moves: each at its edge, on a broker that was told a small value.
import { once } from "node:events";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { messageCodec } from "@stratalog/protocol";
import { connect } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { call } from "../catalogue/attacks.ts";
import type { TargetPorts } from "../catalogue/target.ts";
import { grpcFrame, openRawStream, rawCall } from "../fuzz/live/raw-client.ts";
import { LimitedBroker, TOPIC } from "./limited-broker.ts";

const METADATA = "/stratalog.v1.MetadataService/GetMetadata";
const CONSUME = "/stratalog.v1.FetchService/Consume";
const PRODUCE = "/stratalog.v1.ProduceService/ProduceStream";
const NOTHING = new Uint8Array(0);
const KIB = 1024;
/** Longer than any short limit here, with a busy machine. */
const LONG_MS = 8_000;
/** HTTP/2's preface, empty settings, and the acknowledgement of the other side's. */
const HELLO = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]),
]);

/** A connection from one of loopback's addresses; why it ends does not matter. */
function dial(broker: LimitedBroker, port: keyof TargetPorts, localAddress: string): Socket {
  return broker.target.socket(port, localAddress).resume();
}

/** So many connections that stay. */
async function dialMany(broker: LimitedBroker, count: number, address: string): Promise<Socket[]> {
  // The client that prepared the broker may still be on its way out.
  await delay(300);
  const sockets = Array.from({ length: count }, () => dial(broker, "client", address));
  const closed = await Promise.all(sockets.map((socket) => closes(socket)));
  expect(closed).not.toContain(true);
  return sockets;
}

/** Whether the other side closes a connection; it is given a moment to, or longer. */
async function closes(socket: Socket, withinMs = 300): Promise<boolean> {
  if (socket.closed) return true;
  const timeout = AbortSignal.timeout(withinMs);
  return await Promise.race([
    once(socket, "close").then(() => true),
    once(timeout, "abort").then(() => false),
  ]);
}

/** Time until the other side closes a connection, from now on. */
async function lifetimeMs(socket: Socket): Promise<number> {
  const startMs = performance.now();
  expect(await closes(socket, LONG_MS)).toBe(true);
  return performance.now() - startMs;
}

/** gRPC's status of a call without content, or how else it ended. */
async function statusOf(
  session: ClientHttp2Session,
  path = METADATA,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = NOTHING,
): Promise<string> {
  const wanted = { path, body: grpcFrame(body), headers, timeoutMs: LONG_MS };
  const ending = await rawCall(session, wanted);
  return ending?.grpcStatus ?? `reset ${ending?.resetCode ?? "never"}`;
}

function openStream(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return openRawStream(session, path).resume();
}

async function closed(session: ClientHttp2Session): Promise<void> {
  if (!session.destroyed) await once(session, "close", { signal: AbortSignal.timeout(LONG_MS) });
}

/** Begins a message and does not go on. */
function halfMessage(session: ClientHttp2Session, bytes: number): ClientHttp2Stream {
  const stream = openStream(session, PRODUCE);
  stream.write(grpcFrame(Buffer.alloc(bytes - KIB), { length: bytes }));
  return stream;
}

/** A request that gRPC encodes to so many bytes: one topic's name. */
function metadataRequest(bytes: number): Uint8Array {
  const encode = (length: number): Uint8Array =>
    messageCodec("GetMetadataRequest").encode({ topics: ["x".repeat(length)] });
  const message = encode(bytes - (encode(bytes).length - bytes));
  expect(message).toHaveLength(bytes);
  return message;
}

/** Both times pass before a connection that answers no ping is closed; others stay. */
async function closesTheDeaf(times: {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}): Promise<void> {
  await using broker = await LimitedBroker.start({
    "connection.keepalive.interval.ms": times.intervalMs,
    "connection.keepalive.timeout.ms": times.timeoutMs,
  });
  const deaf = dial(broker, "client", "127.0.0.1");
  deaf.write(HELLO);
  const answering = await broker.target.session();
  expect(await lifetimeMs(deaf)).toBeGreaterThan(700);
  expect(await statusOf(answering)).toBe("0");
}

describe("a limit that is told as", () => {
  it("max.connections.per.ip: turns one more of the same address away, and no other's", async () => {
    await using broker = await LimitedBroker.start({ "max.connections.per.ip": 5 });
    const first = await dialMany(broker, 5, "127.0.0.2");
    expect(await closes(dial(broker, "client", "127.0.0.2"))).toBe(true);
    expect(await closes(dial(broker, "client", "127.0.0.3"))).toBe(false);
    expect(first.map(({ closed }) => closed)).not.toContain(true);
  });

  it("max.connections: turns one more away of any address, until another goes", async () => {
    await using broker = await LimitedBroker.start({ "max.connections": 5 });
    const [one] = await dialMany(broker, 5, "127.0.0.2");
    expect(await closes(dial(broker, "client", "127.0.0.3"))).toBe(true);
    one?.destroy();
    await delay(100);
    expect(await closes(dial(broker, "client", "127.0.0.3"))).toBe(false);
  });

  it("connection.handshake.timeout.ms: closes who does not speak HTTP/2 by then", async () => {
    await using broker = await LimitedBroker.start({ "connection.handshake.timeout.ms": 400 });
    const silent = await lifetimeMs(dial(broker, "client", "127.0.0.1"));
    expect(silent).toBeGreaterThan(300);
    const session = await broker.target.session();
    await delay(600);
    expect(await statusOf(session)).toBe("0");
  });

  it("connections.max.idle.ms: closes a connection without calls, and none with one", async () => {
    await using broker = await LimitedBroker.start({ "connections.max.idle.ms": 300 });
    const [idle, busy] = [await broker.target.session(), await broker.target.session()];
    openStream(busy, CONSUME);
    expect(await statusOf(idle)).toBe("0");
    await once(idle, "close", { signal: AbortSignal.timeout(LONG_MS) });
    expect(await statusOf(busy)).toBe("0");
  });

  it("connection.max.age.ms: ends streams and closes then, a tenth early or late", async () => {
    await using broker = await LimitedBroker.start({ "connection.max.age.ms": 2_000 });
    const startMs = performance.now();
    const session = await broker.target.session();
    const stream = openStream(session, CONSUME);
    const [trailers] = (await once(stream, "response")) as [Record<string, string>];
    expect(trailers["grpc-status"]).toBe("14");
    expect(performance.now() - startMs).toBeGreaterThan(1_750);
    // A gRPC library lets go of a stream that has its status; Node's leaves one half open.
    stream.close(8);
    await closed(session);
    expect(performance.now() - startMs).toBeLessThan(LONG_MS);
  });

  it("connection.keepalive.interval.ms: closes who is asked then and does not answer", () =>
    closesTheDeaf({ intervalMs: 600, timeoutMs: 200 }));

  it("connection.keepalive.timeout.ms: closes who has not answered by then", () =>
    closesTheDeaf({ intervalMs: 200, timeoutMs: 600 }));

  it("connection.max.streams: lets one more wait until another has ended", async () => {
    await using broker = await LimitedBroker.start({ "connection.max.streams": 2 });
    const session = await broker.target.session();
    const [first] = [openStream(session, CONSUME), openStream(session, CONSUME)];
    let status: string | undefined;
    const waiting = statusOf(session).then((ended) => (status = ended));
    await delay(300);
    expect(status).toBe(undefined);
    first?.close(8);
    expect(await waiting).toBe("0");
  });

  it("connection.max.header.bytes: refuses a call with more", async () => {
    await using broker = await LimitedBroker.start({ "connection.max.header.bytes": 4 * KIB });
    const session = await broker.target.session();
    expect(session.remoteSettings.maxHeaderListSize).toBe(4 * KIB);
    expect(await statusOf(session, METADATA, { note: "x".repeat(3 * KIB) })).toBe("0");
    expect(await statusOf(session, METADATA, { note: "x".repeat(4 * KIB) })).not.toBe("0");
  });

  it("connections.max.bytes: refuses requests in part of any connection", async () => {
    await using broker = await LimitedBroker.start({
      "connections.max.bytes": 2 * KIB * KIB,
      "connection.max.bytes": 2 * KIB * KIB,
      "socket.request.max.bytes": 1_900 * KIB,
      "connection.stalled.timeout.ms": 60_000,
    });
    const [first, second] = [await broker.target.session(), await broker.target.session()];
    halfMessage(first, 1_500 * KIB);
    await delay(200);
    const refused = halfMessage(second, 1_500 * KIB);
    const [trailers] = (await once(refused, "response")) as [Record<string, string>];
    expect(trailers["grpc-status"]).toBe("8");
  });

  it("connection.stalled.timeout.ms: ends a call that stands still in a message", async () => {
    await using broker = await LimitedBroker.start({ "connection.stalled.timeout.ms": 300 });
    const session = await broker.target.session();
    const stream = halfMessage(session, 100 * KIB);
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.rstCode).toBe(11);
    expect(await statusOf(session)).toBe("0");
  });

  it("socket.request.max.bytes: takes a message of so many bytes and none of one more", async () => {
    await using broker = await LimitedBroker.start({
      "socket.request.max.bytes": 80 * KIB,
      "max.message.bytes": 16 * KIB,
    });
    const session = await broker.target.session();
    const ask = (bytes: number): Promise<string> =>
      statusOf(session, METADATA, {}, metadataRequest(bytes));
    expect(await ask(80 * KIB)).toBe("0");
    expect(await ask(80 * KIB + 1)).toBe("8");
  });

  it("request.timeout.ms: ends the wait of a request that names no limit", async () => {
    await using broker = await LimitedBroker.start({ "request.timeout.ms": 300 });
    const fetch = { topic: TOPIC, partition: 0, offset: 0, maxWaitMs: 60_000 };
    const startMs = performance.now();
    const outcome = await call("FetchService/Fetch", fetch)(broker.target);
    expect(performance.now() - startMs).toBeGreaterThan(250);
    expect(["answered", "error"]).toContain(outcome.kind);
  });

  it("metadata.max.topics: answers for so many and refuses one more", async () => {
    await using broker = await LimitedBroker.start({ "metadata.max.topics": 3 });
    const ask = (count: number): object => ({ topics: Array.from({ length: count }, () => TOPIC) });
    const [within, beyond] = [3, 4].map((count) =>
      call("MetadataService/GetMetadata", ask(count))(broker.target),
    );
    expect(await within).toEqual({ kind: "answered" });
    expect(await beyond).toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("peer.max.handshakes: turns one more away until another is through or gone", async () => {
    await using broker = await LimitedBroker.start({ "peer.max.handshakes": 2 });
    const silent = [1, 2].map(() => dial(broker, "peer", "127.0.0.1"));
    await delay(100);
    expect(await closes(dial(broker, "peer", "127.0.0.1"))).toBe(true);
    expect(silent.map(({ closed }) => closed)).toEqual([false, false]);
    for (const socket of silent) socket.destroy();
    await delay(100);
    expect(await closes(dial(broker, "peer", "127.0.0.1"))).toBe(false);
  });

  it("peer.handshake.timeout.ms: closes who has not said by then who it is", async () => {
    await using broker = await LimitedBroker.start({ "peer.handshake.timeout.ms": 400 });
    expect(await lifetimeMs(dial(broker, "peer", "127.0.0.1"))).toBeGreaterThan(300);
  });

  it("http.max.connections: turns one more away", async () => {
    await using broker = await LimitedBroker.start({ "http.max.connections": 2 });
    const open = [1, 2].map(() => dial(broker, "http", "127.0.0.1"));
    await delay(100);
    expect(await closes(dial(broker, "http", "127.0.0.1"))).toBe(true);
    expect(await Promise.all(open.map((socket) => closes(socket)))).toEqual([false, false]);
  });

  it("max.message.bytes: stores a batch of so many bytes and none of one more", async () => {
    await using broker = await LimitedBroker.start({ "max.message.bytes": 4 * KIB });
    await using client = connect({ brokers: [`127.0.0.1:${broker.target.ports.client}`] });
    const producer = client.producer();
    const send = (bytes: number): Promise<unknown> =>
      producer.send({ topic: TOPIC, partition: 0, value: "x".repeat(bytes) });
    // A batch of one record without a key has 61 bytes of header and 9 around the value.
    const overhead = 61 + 9;
    await expect(send(4 * KIB - overhead)).resolves.toMatchObject({ partition: 0 });
    await expect(send(4 * KIB - overhead + 1)).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
  });
});
