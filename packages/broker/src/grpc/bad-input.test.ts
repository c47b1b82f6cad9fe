// Raw HTTP/2 against every method: whatever comes, the call ends with a status or a reset, and the
// next client is served.
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from "node:http2";
import { callUnary, type ServiceName, serviceDefinition } from "@stratalog/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RunningApi, startApi } from "./testing/running-api.ts";

const SERVICES: readonly ServiceName[] = [
  "ProduceService",
  "FetchService",
  "MetadataService",
  "AdminService",
  "GroupService",
];
const PATHS = SERVICES.flatMap((name) =>
  Object.values(serviceDefinition(name)).map((method) => method.path),
);

/** A gRPC frame: flags, length, payload; the length may lie. */
function frame(payload: Uint8Array, options: { flags?: number; length?: number } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(options.flags ?? 0, 0);
  head.writeUInt32BE(options.length ?? payload.length, 1);
  return Buffer.concat([head, payload]);
}

interface Ending {
  readonly grpcStatus: string | undefined;
  readonly httpStatus: number | undefined;
  readonly resetCode: number;
}

/** Makes one call of raw bytes; resolves when its stream is closed. */
function call(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<Ending> {
  return new Promise((resolve) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    let httpStatus: number | undefined;
    let grpcStatus: string | undefined;
    const note = (fields: NodeJS.Dict<string | string[] | number>): void => {
      const status = fields["grpc-status"];
      if (status !== undefined) grpcStatus = String(status);
    };
    stream.on("response", (fields) => {
      httpStatus = fields[":status"];
      note(fields);
    });
    stream.on("trailers", note);
    stream.on("error", () => {});
    stream.on("data", () => {});
    stream.on("close", () => resolve({ grpcStatus, httpStatus, resetCode: stream.rstCode }));
    stream.end(body);
  });
}

async function expectServing(api: RunningApi): Promise<void> {
  const client = api.client("MetadataService");
  const options = { deadlineMs: Date.now() + 5_000 };
  const answer = await callUnary(client.getMetadata.bind(client), {}, options);
  expect(answer.brokerId).toBe(1);
}

async function withSession<T>(
  api: RunningApi,
  use: (session: ClientHttp2Session) => Promise<T>,
): Promise<T> {
  const session = connect(`http://127.0.0.1:${api.port}`);
  session.on("error", () => {});
  try {
    return await use(session);
  } finally {
    session.destroy();
  }
}

describe("every method", () => {
  it("answers bytes that are no message of its with a status", async () => {
    await using api = await startApi();
    await withSession(api, async (session) => {
      expect(PATHS.length).toBeGreaterThan(20);
      for (const path of PATHS) {
        const garbage = await call(session, path, frame(Buffer.from([0x0a, 0xff, 0xff, 0xff])));
        // INVALID_ARGUMENT; requests without fields take any well-formed bytes, these are not.
        expect([path, garbage.grpcStatus]).toEqual([path, "3"]);
      }
    });
    await expectServing(api);
  });

  it("ends whatever the bytes, and lets go of it", async () => {
    await using api = await startApi();
    await withSession(api, async (session) => {
      const path = fc.constantFrom(...PATHS);
      const chunk = fc.uint8Array({ maxLength: 60 });
      const flags = fc.constantFrom(0, 0, 0, 1, 2, 255);
      const length = fc.option(fc.constantFrom(0, 5, 200, 0xffff_ffff), { nil: undefined });
      const framed = fc.record({ chunk, flags, length }).map((one) =>
        frame(one.chunk, {
          flags: one.flags,
          ...(one.length === undefined ? {} : { length: one.length }),
        }),
      );
      await fc.assert(
        fc.asyncProperty(
          path,
          fc.array(fc.oneof(framed, chunk), { maxLength: 4 }),
          async (p, c) => {
            const ending = await call(session, p, Buffer.concat(c), { "grpc-timeout": "300m" });
            expect(ending.grpcStatus !== undefined || ending.resetCode !== 0).toBe(true);
          },
        ),
        { numRuns: 150 },
      );
    });
    await expectServing(api);
    expect(api.api.produceBudget.usedBytes).toBe(0);
    const text = await api.metrics.registry.metrics();
    for (const [line] of text.matchAll(/^stratalog_grpc_streams_open.*$/gm)) {
      expect(line).toMatch(/ 0$/);
    }
  }, 60_000);
});

describe("the listener", () => {
  const path = "/stratalog.v1.MetadataService/GetMetadata";
  const empty = frame(new Uint8Array(0));
  const compressed = frame(empty, { flags: 1 });

  it.each<[string, { at: string; body: Buffer; headers?: OutgoingHttpHeaders }, string?]>([
    ["an unknown method", { at: "/stratalog.v1.MetadataService/Nothing", body: empty }, "12"],
    ["an unknown service", { at: "/nothing", body: empty }, "12"],
    ["a message above the limit", { at: path, body: frame(empty, { length: 2 ** 26 }) }, "8"],
    ["bad gzip", { at: path, body: compressed, headers: { "grpc-encoding": "gzip" } }, "13"],
    ["an encoding", { at: path, body: compressed, headers: { "grpc-encoding": "lz9" } }, "12"],
    ["a long deadline", { at: path, body: empty, headers: { "grpc-timeout": "99999999H" } }, "0"],
    ["a bad deadline", { at: path, body: empty, headers: { "grpc-timeout": "soon" } }],
  ])("answers %s", async (_name, { at, body, headers }, status) => {
    await using api = await startApi();
    const ending = await withSession(api, (session) => call(session, at, body, headers));
    if (status !== undefined) expect(ending.grpcStatus).toBe(status);
    else expect(ending.grpcStatus).not.toBe("0");
    await expectServing(api);
  });

  it("takes no other content and no huge headers", async () => {
    await using api = await startApi();
    await withSession(api, async (session) => {
      const json = await call(session, path, empty, { "content-type": "application/json" });
      expect(json.httpStatus).toBe(constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE);
      const huge = await call(session, path, empty, { "x-large": "y".repeat(60_000) });
      expect(huge.grpcStatus).not.toBe("0");
    });
    await expectServing(api);
  });

  it("survives streams that are reset as soon as they are opened", async () => {
    await using api = await startApi();
    await withSession(api, async (session) => {
      for (let round = 0; round < 20 && !session.destroyed; round++) {
        for (let count = 0; count < 100; count++) {
          const stream = session.request({ ":method": "POST", ":path": path });
          stream.on("error", () => {});
          stream.close(constants.NGHTTP2_CANCEL);
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    await expectServing(api);
  });

  it("holds a half-sent message no longer than its connection", async () => {
    await using api = await startApi();
    await withSession(api, async (session) => {
      for (let count = 0; count < 100; count++) {
        const stream = session.request({
          ":method": "POST",
          ":path": "/stratalog.v1.ProduceService/ProduceStream",
          "content-type": "application/grpc",
          te: "trailers",
        });
        stream.on("error", () => {});
        stream.write(frame(new Uint8Array(10), { length: 1_000_000 }));
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      await expectServing(api);
    });
    await expectServing(api);
    const endMs = Date.now() + 5_000;
    const gauge = /grpc_streams_open\{[^}]*ProduceStream"\} 0/;
    while (!gauge.test(await api.metrics.registry.metrics())) {
      expect(Date.now()).toBeLessThan(endMs);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});
