import { setTimeout as delay } from "node:timers/promises";
import { connection, rawBytes } from "../attacks.ts";
import { section, type Attack, type Outcome, type Row } from "../entry.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const SETTINGS = frame(4, 0, 0);
const HEADERS = 1;
/** Longer than it takes to find out that nobody answers. */
const FLOOD_MS_MAX = 8_000;
const SETTINGS_ACK = frame(4, 1, 0);
const latin = (text: string): Buffer => Buffer.from(text, "latin1");

/** An HTTP/2 frame. */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A connection in good order, then the same frame many times. */
function flood(count: number, one: Uint8Array): Attack {
  const block = Buffer.concat(Array.from({ length: 100 }, () => one));
  return (target) =>
    new Promise((resolve) => {
      const socket = target.socket("client");
      const timer = setTimeout(() => resolve({ kind: "open" }), FLOOD_MS_MAX);
      socket.resume();
      socket.on("connect", () => {
        socket.write(Buffer.concat([PREFACE, SETTINGS, SETTINGS_ACK]));
        for (let sent = 0; sent < count && !socket.destroyed; sent += 100) socket.write(block);
      });
      socket.on("close", () => {
        clearTimeout(timer);
        resolve({ kind: "closed" });
      });
    });
}

/** Streams that are opened and reset at once. */
function rapidReset(count: number): Attack {
  return async (target): Promise<Outcome> => {
    const session = await target.session();
    for (let sent = 0; sent < count && !session.destroyed; sent++) {
      const stream = session.request({ ":method": "POST", ":path": "/a" });
      stream.on("error", () => {});
      stream.close(8);
      if (sent % 100 === 0) await delay(1);
    }
    await delay(50);
    return { kind: session.destroyed || session.closed ? "closed" : "open" };
  };
}

/** Streams with the beginning of a message each. */
const halfOpen: Attack = async (target): Promise<Outcome> => {
  const session = await target.session();
  for (let count = 0; count < 64; count++) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/stratalog.v1.ProduceService/ProduceStream",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0, 0x0f, 0xff, 0xff, 1, 2, 3]));
  }
  await delay(100);
  return { kind: session.destroyed ? "closed" : "open" };
};

const METADATA = "MetadataService/GetMetadata";
const oversized = Buffer.alloc(9);
oversized.writeUIntBE(2 ** 24 - 1, 0, 3);

const ROWS: readonly Row[] = [
  ["a connection that says nothing", connection("client"), "closed"],
  ["HTTP/1.1", connection("client", latin("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "closed"],
  [
    "a TLS hello",
    connection("client", latin("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")),
    "closed",
  ],
  ["10,000 bytes of noise", connection("client", latin("\x00\xff".repeat(5_000))), "closed"],
  ["a preface and noise", connection("client", PREFACE, latin("\xff".repeat(500))), "closed"],
  ["a frame of 16 MiB", connection("client", PREFACE, SETTINGS, oversized), "closed"],
  [
    "a stream with an even number",
    connection("client", PREFACE, SETTINGS, SETTINGS_ACK, frame(HEADERS, 5, 2, latin("\x82"))),
    "closed",
  ],
  [
    "headers that are no HPACK",
    connection(
      "client",
      PREFACE,
      SETTINGS,
      SETTINGS_ACK,
      frame(HEADERS, 5, 1, latin("\xff\xff\xff")),
    ),
    "closed",
  ],
  ["headers without an end", flood(40_000, frame(9, 0, 1, Buffer.alloc(100, 0x82))), "closed"],
  [
    "a window that overflows",
    connection(
      "client",
      PREFACE,
      SETTINGS,
      SETTINGS_ACK,
      frame(8, 0, 0, latin("\x7f\xff\xff\xff")),
    ),
    "closed",
  ],
  ["50,000 settings", flood(50_000, SETTINGS), "closed", "open"],
  ["50,000 pings", flood(50_000, frame(6, 0, 0, Buffer.alloc(8))), "closed", "open"],
  ["10,000 streams that are reset at once", rapidReset(10_000), "closed", "open"],
  ["64 streams with half a message each", halfOpen, "open"],
  [
    "a path that is none",
    rawBytes(METADATA, new Uint8Array(5), { headers: { ":path": "//..//" } }),
    12,
  ],
  [
    "a path of another service",
    rawBytes(METADATA, new Uint8Array(5), { headers: { ":path": "/a.B/C" } }),
    12,
  ],
  [
    "a request for a page with a header of 20,000 bytes",
    connection("http", latin(`GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`)),
    "closed",
  ],
  [
    "a page that is sent a MiB",
    connection(
      "http",
      latin(
        "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
          "Content-Length: 1048576\r\n\r\n",
      ),
      Buffer.alloc(1024 * 1024),
    ),
    "closed",
  ],
  ["noise for the page's port", connection("http", latin("\x00\xff".repeat(500))), "closed"],
];

/** Connections, HTTP/2 and HTTP. */
export const CONNECTIONS = section("connections", ROWS);
