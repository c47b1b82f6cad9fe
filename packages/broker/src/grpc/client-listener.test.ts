import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { loadPackageDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { testBatch } from "@stratalog/partition/testing";
import { callUnary, packageDefinition } from "@stratalog/protocol";
import { service as healthService } from "grpc-health-check";
import { makeGenericClientConstructor, credentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { HTTP2_SETTINGS, onSession, raiseWindows } from "./http2-window.ts";
import { startApi } from "./testing/running-api.ts";

const options = () => ({ deadlineMs: Date.now() + 5_000 });

/** A raw connection: what it gets, and when it is closed. */
function dial(port: number): { socket: Socket; closed: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => {
    socket.on("close", () => resolve(received));
  });
  return { socket, closed };
}

async function settled(isThere: () => boolean): Promise<void> {
  const endMs = Date.now() + 5_000;
  while (!isThere() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isThere()).toBe(true);
}

describe("HTTP/2 windows", () => {
  it("are raised with the grpc-js that is installed", async () => {
    await using api = await startApi();
    const session = connectHttp2(`http://127.0.0.1:${api.port}`);
    const settings = await new Promise<{
      initialWindowSize?: number;
      maxConcurrentStreams?: number;
    }>((resolve) => {
      session.once("remoteSettings", resolve);
    });
    expect(settings.initialWindowSize).toBe(HTTP2_SETTINGS.streamWindowBytes);
    expect(settings.maxConcurrentStreams).toBe(128);
    await settled(() => (session.state.remoteWindowSize ?? 0) > 65_535);
    expect(session.state.remoteWindowSize).toBe(HTTP2_SETTINGS.connectionWindowBytes);
    session.close();
  });

  it("stay as they are when the fields are not there", () => {
    const server = new Server();
    server.createConnectionInjector(ServerCredentials.createInsecure());
    const bare = Object.create(null) as Server;
    expect(raiseWindows(bare, HTTP2_SETTINGS)).toBe(false);
    expect(onSession(bare, () => {})).toBe(false);
    expect(raiseWindows(server, HTTP2_SETTINGS)).toBe(true);
    server.forceShutdown();
  });
});

describe("ClientListener", () => {
  it("says that a port is taken, and by what address", async () => {
    await using api = await startApi();
    const second = startApi({ port: api.port });
    await expect(second).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: expect.stringContaining(`127.0.0.1:${api.port}`),
    });
    const nowhere = startApi({ host: "192.0.2.1" });
    await expect(nowhere).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  it("answers health checks and reflection", async () => {
    await using api = await startApi();
    const Health = makeGenericClientConstructor(healthService as never, "Health");
    const health = new Health(`127.0.0.1:${api.port}`, credentials.createInsecure());
    const check = (service: string): Promise<unknown> =>
      new Promise((resolve) => {
        (health as never as { check(r: object, c: (e: unknown, a: unknown) => void): void }).check(
          { service },
          (error, answer) => resolve(error ?? answer),
        );
      });
    expect(await check("stratalog.v1.FetchService")).toMatchObject({ status: "SERVING" });
    api.api.listener.setServing(false);
    expect(await check("")).toMatchObject({ status: "NOT_SERVING" });
    health.close();

    const { grpc } = loadPackageDefinition(reflectionDefinition()) as never as {
      grpc: { reflection: { v1: { ServerReflection: ReflectionConstructor } } };
    };
    const reflection = new grpc.reflection.v1.ServerReflection(
      `127.0.0.1:${api.port}`,
      credentials.createInsecure(),
    );
    const stream = reflection.ServerReflectionInfo();
    const answer = new Promise<string>((resolve) => {
      stream.on("data", (message: object) => resolve(JSON.stringify(message)));
    });
    stream.write({ listServices: "" });
    expect(await answer).toContain("stratalog.v1.ProduceService");
    stream.end();
    reflection.close();
    expect(packageDefinition["stratalog.v1.ProduceService"]).toBeDefined();
  });

  it.each([
    ["HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["noise", "\x00\xff".repeat(5_000)],
    ["a preface and noise", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(500)}`],
  ])("closes a connection that speaks %s, and serves others", async (_name, bytes) => {
    await using api = await startApi({ limits: { handshakeMs: 300 } });
    const { socket, closed } = dial(api.port);
    socket.write(Buffer.from(bytes, "latin1"));
    await closed;
    const client = api.client("MetadataService");
    const answer = await callUnary(client.getMetadata.bind(client), {}, options());
    expect(answer.brokerId).toBe(1);
    await settled(() => api.api.listener.connectionCount === 1);
  });

  it("closes a connection that says nothing, in time", async () => {
    await using api = await startApi({ limits: { handshakeMs: 50 } });
    const { closed } = dial(api.port);
    await closed;
    expect(api.api.listener.refusedConnectionCount).toBe(1);
    await settled(() => api.api.listener.connectionCount === 0);
  });

  it("survives connections that are reset as soon as they are made", async () => {
    await using api = await startApi();
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 50 }, () => dial(api.port));
      await Promise.all(
        sockets.map(async ({ socket, closed }, index) => {
          if (index % 2 === 0) await new Promise((resolve) => socket.once("connect", resolve));
          if (index % 3 === 0) socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
          socket.resetAndDestroy();
          await closed;
        }),
      );
    }
    const client = api.client("MetadataService");
    const answer = await callUnary(client.getMetadata.bind(client), {}, options());
    expect(answer.brokerId).toBe(1);
    await settled(() => api.api.listener.connectionCount === 1);
  });

  it("turns away connections above the bound", async () => {
    await using api = await startApi({ limits: { connections: 2 } });
    const first = connectHttp2(`http://127.0.0.1:${api.port}`);
    const second = connectHttp2(`http://127.0.0.1:${api.port}`);
    await settled(() => api.api.listener.connectionCount === 2);
    const third = dial(api.port);
    expect(await third.closed).toBe("");
    expect(api.api.listener.refusedConnectionCount).toBe(1);
    const text = await api.metrics.registry.metrics();
    expect(text).toContain("stratalog_client_connections 2");
    expect(text).toContain("stratalog_client_connections_refused_total 1");
    expect(text).toContain("stratalog_produce_inflight_bytes 0");
    first.close();
    second.close();
  });

  it("keeps its promises when it stops and waits for no long poll", async () => {
    const api = await startApi();
    api.cluster.commits = "by-hand";
    const ends: Promise<{ code?: number; message?: string }>[] = [];
    const watch = (stream: NodeJS.EventEmitter): void => {
      ends.push(new Promise((resolve) => stream.on("error", resolve)));
    };
    const consume = api.client("FetchService").consume();
    consume.on("data", () => {});
    consume.write({ credit: { bytes: 1 } });
    watch(consume);
    const session = api.client("GroupService").groupSession();
    session.on("data", () => {});
    const memberId = "00000000-0000-4000-8000-00000000000a";
    session.write({ join: { groupId: "billing", memberId, topics: ["orders"] } });
    watch(session);
    const produce = api.client("ProduceService").produceStream();
    const results: unknown[] = [];
    produce.on("data", (message: { results: unknown[] }) => results.push(...message.results));
    produce.write({ appends: [{ correlation: 1, topic: "orders", batch: testBatch() }] });
    watch(produce);
    const client = api.client("FetchService");
    const request = { topic: "orders", partition: 1, maxWaitMs: 4_000 };
    const poll = callUnary(client.fetch.bind(client), request, options());
    const { replica } = api.cluster.harness("orders", 1);
    const { raft } = api.cluster.harness("orders", 0);
    await settled(() => api.coordinator.received.length === 1);
    await settled(() => replica.describe().fetchWaiterCount === 1);
    await settled(() => api.api.produceBudget.usedBytes > 0);
    const startMs = Date.now();
    const stopped = api.api.listener.stop(4_000);
    await expect(poll).rejects.toMatchObject({ code: "BROKER_NOT_AVAILABLE" });
    expect(results).toEqual([]);
    raft.commit();
    for (const end of await Promise.all(ends)) expect(end.message).toContain("stopping");
    expect(results).toMatchObject([{ correlation: 1, baseOffset: 0, error: null }]);
    await stopped;
    expect(Date.now() - startMs).toBeLessThan(3_000);
    expect(api.coordinator.closedCount).toBe(1);
    await api[Symbol.asyncDispose]();
    const { closed } = dial(api.port);
    expect(await closed).toBe("");
  });

  it("cuts what is not answered in time", async () => {
    const api = await startApi();
    api.cluster.commits = "by-hand";
    const produce = api.client("ProduceService").produceStream();
    const ended = new Promise<unknown>((resolve) => {
      produce.on("error", resolve);
    });
    produce.on("data", () => {});
    produce.write({ appends: [{ correlation: 1, topic: "orders", batch: testBatch() }] });
    await settled(() => api.api.produceBudget.usedBytes > 0);
    await api.api.listener.stop(50);
    expect(await ended).toMatchObject({ code: expect.any(Number) });
    await api[Symbol.asyncDispose]();
  });
});

interface ReflectionStream {
  on(event: "data", listener: (message: object) => void): void;
  write(request: object): void;
  end(): void;
}

interface ReflectionConstructor {
  new (
    address: string,
    secrets: ReturnType<typeof credentials.createInsecure>,
  ): { ServerReflectionInfo(): ReflectionStream; close(): void };
}

/** The part of the reflection protocol that the test speaks. */
function reflectionDefinition(): never {
  const method = (name: string) => ({
    path: `/grpc.reflection.v1.ServerReflection/${name}`,
    requestStream: true,
    responseStream: true,
    // Field 7 of the request, list_services, as an empty text.
    requestSerialize: () => Buffer.from([0x3a, 0x00]),
    responseDeserialize: (bytes: Buffer) => ({ text: bytes.toString("latin1") }),
  });
  return {
    "grpc.reflection.v1.ServerReflection": { ServerReflectionInfo: method("ServerReflectionInfo") },
  } as never;
}
