import { whole } from "./setting-types.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;

/** Settings that bound what strangers and clients can make a broker hold or do. */
export const limitSettings = {
  "max.connections": whole(1, 100_000)
    .default(1000)
    .describe("Connections at one time of each port for clients."),
  "max.connections.per.ip": whole(1, 100_000)
    .default(256)
    .describe("Connections at one time from one address to each port for clients."),
  "connection.handshake.timeout.ms": whole(10, 600_000)
    .default(5 * SECOND_MS)
    .describe(
      "Time for a client's connection to encrypt, and again to show that it speaks HTTP/2.",
    ),
  "connections.max.idle.ms": whole(100, DAY_MS)
    .default(600 * SECOND_MS)
    .describe("Time without a call after which a client's connection is closed."),
  "connection.max.age.ms": whole(0, 7 * DAY_MS)
    .default(DAY_MS)
    .describe(
      "Age, give or take a tenth, at which a client's connection takes no more calls: its streams " +
        "end, and it is closed when the rest is answered, after 300 s at the latest. 0: never.",
    ),
  "connection.keepalive.interval.ms": whole(100, DAY_MS)
    .default(20 * SECOND_MS)
    .describe("How often a client's connection is asked whether anybody is there."),
  "connection.keepalive.timeout.ms": whole(100, DAY_MS)
    .default(5 * SECOND_MS)
    .describe("Time for the answer; a connection without one is closed."),
  "connection.max.streams": whole(1, 100_000)
    .default(128)
    .describe("Calls and streams at one time on one connection; more wait at the client."),
  "connection.max.header.bytes": whole(KIB, MIB)
    .default(16 * KIB)
    .describe("Headers of one call, as HTTP/2 counts them."),
  "connection.max.bytes": whole(MIB, 16 * GIB)
    .default(32 * MIB)
    .describe(
      "Memory for one connection: requests in part, answers that it has not taken, subscriptions. " +
        "At the bound it is sent no more, and requests in part are refused.",
    ),
  "connections.max.bytes": whole(MIB, 64 * GIB)
    .default(256 * MIB)
    .describe("The same of all connections together."),
  "connection.stalled.timeout.ms": whole(100, DAY_MS)
    .default(60 * SECOND_MS)
    .describe(
      "Time in which a client must take one message of an answer, or send the whole of one; its " +
        "call is ended then, after a second already while there is no room for others.",
    ),
  "socket.request.max.bytes": whole(64 * KIB, 512 * MIB)
    .default(16 * MIB + 64 * KIB)
    .describe("Largest message of a client; larger than max.message.bytes."),
  "produce.inflight.max.bytes": whole(MIB, 16 * GIB)
    .default(64 * MIB)
    .describe("Bytes of produce requests that are not answered yet, all clients together."),
  "request.timeout.ms": whole(100, 600_000)
    .default(30 * SECOND_MS)
    .describe("Longest that a request of a client may take when it names no limit."),
  "metadata.max.topics": whole(1, 100_000)
    .default(1000)
    .describe("Topics that one metadata request may name."),
  "peer.max.handshakes": whole(1, 10_000)
    .default(64)
    .describe("Connections of brokers that may be in their handshake at one time."),
  "peer.handshake.timeout.ms": whole(10, 600_000)
    .default(2 * SECOND_MS)
    .describe("Time for a broker's connection to encrypt, and again to say who it is."),
  "peer.message.max.bytes": whole(MIB, 512 * MIB)
    .default(64 * MIB)
    .describe("Largest message of another broker; larger than any topic's max.message.bytes."),
  "http.max.connections": whole(1, 10_000)
    .default(256)
    .describe("Connections at one time to the port for operators."),
} as const;
