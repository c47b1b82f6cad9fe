import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { CodedError, machineTimers, present } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import {
  ERROR_METADATA_KEY,
  messageCodec,
  type ProduceStreamRequest,
  type ProduceStreamResponse,
  toCallStatus,
} from "@stratalog/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { GrpcMessages, messagePrefix } from "./grpc-messages.ts";
import { ProduceChannel } from "./produce-channel.ts";

const requests = messageCodec<ProduceStreamRequest>("ProduceStreamRequest");
const responses = messageCodec<ProduceStreamResponse>("ProduceStreamResponse");

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server that speaks gRPC's wire format, and a channel to it. */
async function started(serve: (stream: ServerHttp2Stream) => void) {
  const server: Http2Server = createServer();
  const sessions: { destroy(): void }[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const drop = (): void => {
    for (const session of sessions) session.destroy();
  };
  cleanups.push(drop, () => server.close());
  return { ...openStream(`127.0.0.1:${port}`), drop };
}

/** A stream to an address, what came on it, and how it ended. */
function openStream(address: string) {
  const channel = new ProduceChannel({ address, timers: machineTimers });
  cleanups.push(() => channel.close());
  const messages: ProduceStreamResponse[] = [];
  let stream: ReturnType<ProduceChannel["open"]> | undefined;
  const ended = new Promise<CodedError>((resolve) => {
    stream = channel.open({ onMessage: (message) => messages.push(message), onEnd: resolve });
  });
  return { channel, messages, ended, stream: present(stream, "stream") };
}

function append(correlation: number, sizeBytes = 10) {
  return { correlation, topic: "t", partition: 0, batch: Buffer.alloc(sizeBytes, correlation) };
}

/** Answers every request with its correlations. */
function answering(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  const messages = new GrpcMessages((bytes) => {
    const { appends } = requests.decode(bytes);
    const results = appends.map(({ correlation, batch }) => {
      return { correlation, baseOffset: batch.length };
    });
    const answer = responses.encode({ results });
    stream.write(Buffer.concat([messagePrefix(answer.length), answer]));
  });
  stream.on("data", (chunk: Buffer) => messages.push(chunk));
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("end", () => stream.end());
  stream.on("error", () => {});
}

describe("ProduceChannel", () => {
  it("carries batches and answers, large and small, and ends when it is told to", async () => {
    const { stream, messages, ended } = await started(answering);
    stream.write({ appends: [append(1), append(2)] });
    stream.write({ appends: [append(3, 700_000)] });
    stream.end();
    expect((await ended).code).toBe("REQUEST_TIMED_OUT");
    const results = messages.flatMap((message) => message.results);
    expect(results.map(({ correlation }) => correlation)).toEqual([1, 2, 3]);
    expect(results[2]?.baseOffset).toBe(700_000);
  });

  it("is congested while more than a megabyte waits, and says when it no longer is", async () => {
    const { stream } = await started(answering);
    expect(stream.write({ appends: [append(1)] })).toBe(true);
    expect(stream.write({ appends: [append(2, 2_000_000)] })).toBe(false);
    await new Promise<void>((resolve) => stream.onDrain(resolve));
    expect(stream.write({ appends: [append(3)] })).toBe(true);
  });

  it("ends with the error that the broker gives", async () => {
    const { ended } = await started((stream) => {
      const refusal = toCallStatus(new CodedError("THROTTLED", "later, 100 %"));
      stream.respond(
        {
          ":status": 200,
          "grpc-status": String(refusal.code),
          "grpc-message": encodeURIComponent(refusal.details),
          [ERROR_METADATA_KEY]: (refusal.metadata.get(ERROR_METADATA_KEY)[0] as Buffer).toString(
            "base64",
          ),
        },
        { endStream: true },
      );
    });
    expect(await ended).toMatchObject({ code: "THROTTLED", message: "later, 100 %" });
  });

  it("does not know what became of batches when the connection breaks", async () => {
    const { stream, ended, drop } = await started((served) => {
      served.on("error", () => {});
      served.once("data", () => drop());
    });
    stream.write({ appends: [append(1)] });
    const error = await ended;
    expect(error.code).toBe("REQUEST_TIMED_OUT");
    expect(error.outcomeUnknown).toBe(true);
    expect(stream.write({ appends: [append(2)] })).toBe(true);
  });

  it("knows that nothing was sent when nobody answers", async () => {
    // Port 1 of loopback: nobody listens there.
    const { ended } = openStream("127.0.0.1:1");
    expect((await ended).code).toBe("BROKER_NOT_AVAILABLE");
  });

  it("gives up a connection that does not come about", async () => {
    const sockets: Socket[] = [];
    const mute = createTcpServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const time = new ManualTime();
    const { port } = mute.address() as AddressInfo;
    const channel = new ProduceChannel({ address: `127.0.0.1:${port}`, timers: time, tls: {} });
    const ended = new Promise<CodedError>((resolve) => {
      channel.open({ onMessage: () => {}, onEnd: resolve });
    });
    time.advance(5_000);
    expect((await ended).code).toBe("BROKER_NOT_AVAILABLE");
    expect(time.pendingCount).toBe(0);
  });

  it("leaves no half of a stream behind that the broker ended", async () => {
    let close: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const { stream, ended } = await started((served) => {
      served.on("error", () => {});
      served.on("close", () => close?.());
      served.respond({ ":status": 200 }, { waitForTrailers: true });
      served.on("wantTrailers", () => served.sendTrailers({ "grpc-status": "0" }));
      served.once("data", () => served.end());
    });
    stream.write({ appends: [append(1)] });
    expect((await ended).code).toBe("REQUEST_TIMED_OUT");
    await closed;
  });

  it("closes what is open, and dials again for the next stream", async () => {
    const { channel, ended } = await started(answering);
    channel.close();
    expect((await ended).code).toBe("CLOSED");
    const answered = new Promise<ProduceStreamResponse>((resolve) => {
      const stream = channel.open({ onMessage: resolve, onEnd: () => {} });
      stream.write({ appends: [append(5)] });
    });
    expect((await answered).results[0]?.correlation).toBe(5);
  });

  it("refuses a server that speaks no gRPC", async () => {
    const { ended } = await started((stream) => stream.respond({ ":status": 404 }));
    expect((await ended).code).toBe("UNSUPPORTED_VERSION");
  });
});
