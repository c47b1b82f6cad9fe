import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import {
  ERROR_METADATA_KEY,
  fromWireError,
  messageCodec,
  type ServiceName,
  serviceDefinition,
  type WireError,
} from "@stratalog/protocol";
import { grpcFrame } from "../fuzz/live/raw-client.ts";
import type { Attack, Outcome } from "./entry.ts";
import type { Target, TargetPorts } from "./target.ts";

/** Longest wait for an answer that must come. */
const ANSWER_MS_MAX = 12_000;
/** Wait for an answer that need not come. */
const QUIET_MS = 300;
const FRAME_HEADER_BYTES = 5;

const CLOSED: Outcome = { kind: "closed" };

/** The method of a call: service, name, and the message that it takes. */
interface MethodName {
  readonly service: ServiceName;
  readonly method: string;
}

interface RawCall {
  readonly at: MethodName;
  /** What is written, frames included. */
  readonly bytes: Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
  /** Whether the client says that it is done; default true. */
  readonly ends?: boolean;
  /** Default: long where the client says so, a moment where not. */
  readonly waitMs?: number;
}

/** A unary call with a well-formed request that asks for something wrong. */
export function call(method: string, request: object): Attack {
  const at = methodNamed(method);
  return (target) => {
    const message = messageCodec(`${at.method}Request`).encode(request);
    return carryOut(target, { at, bytes: grpcFrame(message) });
  };
}

/** A stream with well-formed messages that ask for something wrong; the client does not end it. */
export function stream(method: string, ...requests: readonly object[]): Attack {
  return streamFor(ANSWER_MS_MAX, method, requests);
}

/** The same where the stream may go on: what came within a moment counts. */
export function quietStream(method: string, ...requests: readonly object[]): Attack {
  return streamFor(QUIET_MS, method, requests);
}

/** A stream whose outcome is what came within a time. */
export function streamFor(waitMs: number, method: string, requests: readonly object[]): Attack {
  const at = methodNamed(method);
  const type = at.method === "ProduceStream" ? "ProduceStreamRequest" : `${at.method}Request`;
  return (target) => {
    const frames = requests.map((request) => grpcFrame(messageCodec(type).encode(request)));
    return carryOut(target, { at, bytes: Buffer.concat(frames), ends: false, waitMs });
  };
}

/** One batch on a produce stream. */
export function produce(batch: Uint8Array, more: object = {}): Attack {
  const append = { correlation: 1, topic: "catalogue", partition: 0, batch, timeoutMs: 2_000 };
  return stream("ProduceService/ProduceStream", { appends: [{ ...append, ...more }] });
}

/** A call whose bytes are said one by one. */
export function rawBytes(
  method: string,
  bytes: Uint8Array,
  more: Pick<RawCall, "headers" | "ends" | "waitMs"> = {},
): Attack {
  const at = methodNamed(method);
  return (target) => carryOut(target, { at, bytes, ...more });
}

/** A call of one message whose protobuf is given. */
export function rawMessage(method: string, message: Uint8Array): Attack {
  return rawBytes(method, grpcFrame(message));
}

/** Bytes on a bare connection; it must be closed by the other side. */
export function connection(port: keyof TargetPorts, ...chunks: readonly Uint8Array[]): Attack {
  return (target) =>
    new Promise((resolve) => {
      const socket = target.socket(port);
      const timer = setTimeout(() => resolve({ kind: "open" }), ANSWER_MS_MAX);
      socket.resume();
      socket.on("connect", () => {
        for (const chunk of chunks) socket.write(chunk);
      });
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(CLOSED);
      });
    });
}

function methodNamed(text: string): MethodName {
  const [service = "", method = ""] = text.split("/");
  // The entries name services of ours; another is not found below.
  return { service: service as ServiceName, method };
}

async function carryOut(
  target: Target,
  { at, bytes, headers, ends, waitMs }: RawCall,
): Promise<Outcome> {
  const definition = Object.values(serviceDefinition(at.service)).find(({ path }) =>
    path.endsWith(`/${at.method}`),
  );
  if (definition === undefined) throw new Error(`there is no ${at.service}/${at.method}`);
  const session = await target.session();
  const request = session.request({
    ":method": "POST",
    ":path": definition.path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const outcome = outcomeOf(request, {
    waitMs: waitMs ?? (ends === false ? QUIET_MS : ANSWER_MS_MAX),
    decode: (message) => definition.responseDeserialize(message),
  });
  request.write(bytes);
  if (ends !== false) request.end();
  return await outcome;
}

/** What comes first: an error in an answer, the end, or nothing for long enough. */
function outcomeOf(
  request: ClientHttp2Stream,
  rules: { readonly waitMs: number; readonly decode: (message: Buffer) => unknown },
): Promise<Outcome> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    let fields: IncomingHttpHeaders = {};
    const rest = (): Outcome => ({ kind: received.length > 0 ? "answered" : "open" });
    const timer = setTimeout(() => resolve(rest()), rules.waitMs);
    // The broker's end of the stream counts; the client's may stay open.
    const note = (more: IncomingHttpHeaders): void => {
      fields = { ...fields, ...more };
      if (more["grpc-status"] === undefined) return;
      clearTimeout(timer);
      resolve(endOutcome(fields));
    };
    request.on("response", note);
    request.on("trailers", note);
    request.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const error = errorIn(decodedFrames(received, rules.decode));
      if (error !== undefined) resolve(codedOutcome(error));
    });
    request.on("error", () => {});
    request.on("close", () => {
      clearTimeout(timer);
      resolve(endOutcome(fields));
    });
  });
}

function endOutcome(fields: IncomingHttpHeaders): Outcome {
  const carried = fields[ERROR_METADATA_KEY];
  if (typeof carried === "string") {
    const bytes = Buffer.from(carried, "base64");
    return codedOutcome(messageCodec<WireError>("Error").decode(bytes));
  }
  const status = fields["grpc-status"];
  if (status === undefined) {
    const http = Number(fields[":status"] ?? 200);
    return http === 200 ? CLOSED : { kind: "status", status: http };
  }
  return Number(status) === 0 ? { kind: "answered" } : { kind: "status", status: Number(status) };
}

function codedOutcome(wire: WireError): Outcome {
  const { code, message } = fromWireError(wire);
  return { kind: "error", code, message };
}

function decodedFrames(bytes: Buffer, decode: (message: Buffer) => unknown): readonly unknown[] {
  const messages: unknown[] = [];
  for (let position = 0; position + FRAME_HEADER_BYTES <= bytes.length; ) {
    const end = position + FRAME_HEADER_BYTES + bytes.readUInt32BE(position + 1);
    if (end > bytes.length) break;
    messages.push(decode(bytes.subarray(position + FRAME_HEADER_BYTES, end)));
    position = end;
  }
  return messages;
}

/** The first field named "error" that holds one. */
function errorIn(value: unknown): WireError | undefined {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return undefined;
  for (const [key, part] of Object.entries(value)) {
    if (key === "error" && typeof part === "object" && part !== null && "code" in part) {
      // The decoder of the answer made it; the message of that field is an Error.
      return part as WireError;
    }
    const inside = errorIn(part);
    if (inside !== undefined) return inside;
  }
  return undefined;
}
