/**
 * What is said when a peer connection opens. The dialling side sends one block, the accepting side
 * answers with one:
 *
 * | bytes | field                                            |
 * | ----- | ------------------------------------------------ |
 * | 4     | magic "STLP"                                     |
 * | 1     | block: 1 hello on the control lane, 2 hello on the bulk lane, 3 welcome, 4 refusal |
 * | 2     | length of the text, big-endian                   |
 * | n     | JSON: a PeerHello, or { reason, hello } for a refusal |
 *
 * A PeerHello is { protocolVersion, clusterId?, brokerId, directoryId, incarnation, address? },
 * its address { host, port }. Other fields are ignored; one of these that is of another type or
 * out of range makes the handshake malformed.
 */
import { brokerId, decodeUtf8Strict, encodeUtf8 } from "@stratalog/base";
import type { Lane, PeerAddress, PeerHello } from "../ports/peer-link.ts";

/** Bytes before the text. */
export const HANDSHAKE_HEADER_BYTES = 7;
/** Longest text of a handshake, in bytes. */
export const HANDSHAKE_TEXT_BYTES_MAX = 2048;

const MAGIC = [0x53, 0x54, 0x4c, 0x50] as const;
const HELLO_CONTROL = 1;
const HELLO_BULK = 2;
const WELCOME = 3;
const REFUSAL = 4;
const BROKER_ID_MAX = 0xffff;
const PORT_MAX = 0xffff;
const NAME_LENGTH_MAX = 128;
/** A name of the domain name system or an IP address; nothing that would be none in a log line. */
const HOST = /^[^\s\p{C}]{1,253}$/u;
const REASON_LENGTH_MAX = 500;

/** One block of the handshake. */
export type Handshake =
  | { readonly type: "hello"; readonly lane: Lane; readonly hello: PeerHello }
  | { readonly type: "welcome"; readonly hello: PeerHello }
  | {
      readonly type: "refusal";
      readonly reason: string;
      /** Who refuses, so that the refused side can say what does not fit. */
      readonly hello?: PeerHello;
    };

/** What the first bytes of a connection are. `incomplete`: more bytes are needed to tell. */
export type HandshakeDecoding =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly reason: string }
  | { readonly kind: "handshake"; readonly handshake: Handshake; readonly endPosition: number };

/** The bytes of one handshake block. */
export function encodeHandshake(handshake: Handshake): Uint8Array {
  const json =
    handshake.type === "refusal"
      ? { reason: handshake.reason.slice(0, REASON_LENGTH_MAX), hello: handshake.hello }
      : handshake.hello;
  const text = encodeUtf8(JSON.stringify(json));
  const bytes = new Uint8Array(HANDSHAKE_HEADER_BYTES + text.length);
  bytes.set(MAGIC);
  bytes[4] = blockNumber(handshake);
  bytes[5] = text.length >> 8;
  bytes[6] = text.length & 0xff;
  bytes.set(text, HANDSHAKE_HEADER_BYTES);
  return bytes;
}

function blockNumber(handshake: Handshake): number {
  if (handshake.type === "welcome") return WELCOME;
  if (handshake.type === "refusal") return REFUSAL;
  return handshake.lane === "control" ? HELLO_CONTROL : HELLO_BULK;
}

/**
 * Reads a handshake block from the start of `bytes`; foreign bytes are told from the first one on.
 */
export function decodeHandshake(bytes: Uint8Array): HandshakeDecoding {
  for (const [position, expected] of MAGIC.entries()) {
    if (position >= bytes.length) return { kind: "incomplete" };
    if (bytes[position] !== expected) return malformed("not a Stratalog peer");
  }
  const [block, high, low] = [bytes[4], bytes[5], bytes[6]];
  if (block === undefined || high === undefined || low === undefined) return { kind: "incomplete" };
  const length = high * 256 + low;
  if (length > HANDSHAKE_TEXT_BYTES_MAX) return malformed(`handshake of ${length} bytes`);
  const endPosition = HANDSHAKE_HEADER_BYTES + length;
  if (bytes.length < endPosition) return { kind: "incomplete" };
  const text = decodeUtf8Strict(bytes.subarray(HANDSHAKE_HEADER_BYTES, endPosition));
  const handshake = text === undefined ? undefined : parseHandshake(block, text);
  if (handshake === undefined) return malformed("handshake does not parse");
  return { kind: "handshake", handshake, endPosition };
}

function malformed(reason: string): HandshakeDecoding {
  return { kind: "malformed", reason };
}

function parseHandshake(block: number, text: string): Handshake | undefined {
  const json = parseObject(text);
  if (json === undefined) return undefined;
  if (block === REFUSAL) {
    const { reason, hello } = json;
    if (typeof reason !== "string") return undefined;
    const refusing = isObject(hello) ? parseHello(hello) : undefined;
    return { type: "refusal", reason, ...(refusing !== undefined && { hello: refusing }) };
  }
  const hello = parseHello(json);
  if (hello === undefined) return undefined;
  if (block === WELCOME) return { type: "welcome", hello };
  if (block === HELLO_CONTROL) return { type: "hello", lane: "control", hello };
  if (block === HELLO_BULK) return { type: "hello", lane: "bulk", hello };
  return undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    // JSON.parse has one failure: the text is not JSON, which the caller reports as malformed.
    return undefined;
  }
}

function parseHello(json: Readonly<Record<string, unknown>>): PeerHello | undefined {
  const { protocolVersion, clusterId, brokerId: id, directoryId, incarnation, address } = json;
  if (typeof protocolVersion !== "number" || !Number.isInteger(protocolVersion)) return undefined;
  if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > BROKER_ID_MAX) {
    return undefined;
  }
  if (!isName(directoryId) || !isName(incarnation)) return undefined;
  if (clusterId !== undefined && !isName(clusterId)) return undefined;
  const hello = { protocolVersion, clusterId, brokerId: brokerId(id), directoryId, incarnation };
  if (address === undefined) return hello;
  const parsed = isObject(address) ? parseAddress(address) : undefined;
  return parsed === undefined ? undefined : { ...hello, address: parsed };
}

function parseAddress(json: Readonly<Record<string, unknown>>): PeerAddress | undefined {
  const { host, port } = json;
  if (typeof host !== "string" || !HOST.test(host)) return undefined;
  if (typeof port !== "number" || !Number.isInteger(port)) return undefined;
  return port >= 1 && port <= PORT_MAX ? { host, port } : undefined;
}

/** Names the keys as unknown; each is checked where it is read. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX;
}
