import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import type { Random } from "@stratalog/base";
import { joined, mutated, oneOf, spliced } from "../mutation.ts";
import { sampledMethods, type SampledMethod } from "../request-samples.ts";
import { type FuzzTarget, must } from "../target.ts";
import { protobufNoise } from "../wire-noise.ts";
import type { LiveBroker } from "./live-broker.ts";
import { grpcFrame, openSession, rawCall, rawSocket } from "./raw-client.ts";

const CALL_MS_MAX = 8_000;
/**
 * A connection that never speaks HTTP/2 is closed after its time for that; one that did, and then
 * closed its side alone, when it does not answer the next ping: 25 seconds.
 */
const CONNECTION_MS_MAX = 40_000;
const CONNECTIONS_AT_ONCE = 200;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const CHECK_EVERY = 100;

const HEADERS: readonly OutgoingHttpHeaders[] = [
  { "grpc-timeout": "99999999H" },
  { "grpc-timeout": "soon" },
  { "grpc-timeout": "-1S" },
  { "grpc-encoding": "gzip" },
  { "grpc-encoding": "deflate" },
  { "grpc-encoding": "lz9" },
  { "content-type": "application/json" },
  { "content-type": "application/grpc+json" },
  { "x-bin": "%%%" },
  { "x-large": "y".repeat(20_000) },
];

/** Calls of every method with bytes that are wrong in every way that we know. */
export function callTarget(live: LiveBroker): FuzzTarget {
  const methods = sampledMethods();
  let session: ClientHttp2Session | undefined;
  let count = 0;
  return {
    name: "calls",
    casesPerRound: 1_500,
    async run(random) {
      if (session === undefined || session.destroyed || session.closed) {
        session = openSession(live.broker.address);
      }
      const method = oneOf(methods, random);
      const headers = random.below(6) === 0 ? oneOf(HEADERS, random) : {};
      const call = {
        path: random.below(40) === 0 ? `${method.path}x` : method.path,
        body: drawBody(method, random),
        headers: { "grpc-timeout": "400m", ...headers },
        timeoutMs: CALL_MS_MAX,
      };
      const ending = await rawCall(session, call);
      must(ending !== undefined, `${call.path} does not end`);
      const hasEnded = ending.grpcStatus !== undefined || ending.resetCode !== 0;
      must(hasEnded || ending.httpStatus !== 200, `${call.path} ends without a status`);
      // UNKNOWN is what a handler that threw would be.
      must(ending.grpcStatus !== "2", `${call.path} ends as UNKNOWN`);
      if (++count % CHECK_EVERY === 0) await live.checkServing();
    },
    async settle() {
      session?.destroy();
      session = undefined;
      await live.check();
    },
  };
}

/** Bytes on the client port below gRPC: HTTP/2 frames and worse. */
export function http2Target(live: LiveBroker): FuzzTarget {
  return {
    name: "HTTP/2 connections",
    casesPerRound: 1,
    async run(random) {
      const { clientPort } = live.broker.plan;
      const connections = Array.from({ length: CONNECTIONS_AT_ONCE }, () => drawConnection(random));
      const answers = await Promise.all(
        connections.map((chunks) => rawSocket(clientPort, chunks, CONNECTION_MS_MAX)),
      );
      must(!answers.includes(undefined), "a connection that is closed on one side is never closed");
    },
    settle: () => live.check(),
  };
}

function drawBody(method: SampledMethod, random: Random): Uint8Array {
  const count = method.isStream ? 1 + random.below(4) : 1;
  const frames = Array.from({ length: count }, () => {
    const sample = oneOf(method.samples, random);
    const shape = random.below(4);
    const payload =
      shape === 0
        ? protobufNoise(random)
        : shape === 1
          ? spliced(sample, protobufNoise(random), random)
          : shape === 2
            ? sample
            : mutated(sample, random);
    const lie = random.below(12);
    if (lie === 0)
      return grpcFrame(payload, { length: oneOf([0, 5, 2 ** 24, 2 ** 32 - 1], random) });
    if (lie === 1) return grpcFrame(payload, { flags: oneOf([1, 2, 255], random) });
    return grpcFrame(payload);
  });
  const body = joined(frames);
  return random.below(20) === 0 ? mutated(body, random) : body;
}

function drawConnection(random: Random): readonly Uint8Array[] {
  const frames = Array.from({ length: random.below(8) }, () => http2Frame(random));
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const whole = joined([PREFACE, settings, ...frames]);
  if (random.below(4) === 0) return [random.bytes(random.below(200))];
  return [random.below(4) === 0 ? mutated(whole, random) : whole];
}

/** A frame of any type, flags and stream; its length may lie. */
function http2Frame(random: Random): Uint8Array {
  const payload = random.bytes(random.below(60));
  const head = Buffer.alloc(9);
  const length = random.below(10) === 0 ? random.below(2 ** 24) : payload.length;
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(random.below(12), 3);
  head.writeUInt8(random.below(256), 4);
  head.writeUInt32BE(oneOf([0, 1, 2, 3, 2 ** 31], random), 5);
  return joined([head, payload]);
}
