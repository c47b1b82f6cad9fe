/**
 * Calls between brokers. A request: correlation (varint), method (block), body. A response:
 * correlation (varint), outcome (0 answered, 1 failed), then the body, or the error as JSON { code,
 * message, details }.
 */
import {
  CodedError,
  decodeUtf8Strict,
  encodeUtf8,
  type ErrorDetails,
  isErrorCode,
} from "@stratalog/base";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { MalformedMessageError } from "./malformed-message-error.ts";

/** A request as it arrived. */
export interface CallRequest {
  readonly correlation: number;
  readonly method: string;
  readonly body: Uint8Array;
}

/** A response as it arrived. */
export interface CallResponse {
  readonly correlation: number;
  readonly outcome: { readonly body: Uint8Array } | { readonly error: CodedError };
}

const ANSWERED = 0;
const FAILED = 1;
const MESSAGE_LENGTH_MAX = 2000;

export function encodeRequest(request: CallRequest): readonly Uint8Array[] {
  const writer = new ByteWriter(64);
  writer.varint(request.correlation).block(encodeUtf8(request.method));
  return [writer.finish(), request.body];
}

/** Throws MalformedMessageError. */
export function decodeRequest(payload: Uint8Array): CallRequest {
  const reader = new ByteReader(payload);
  const correlation = reader.varint();
  const method = decodeUtf8Strict(reader.block());
  if (!reader.ok || method === undefined) throw new MalformedMessageError("request of a peer");
  return { correlation, method, body: reader.bytes(reader.remaining) };
}

export function encodeResponse(response: CallResponse): readonly Uint8Array[] {
  const writer = new ByteWriter(16);
  writer.varint(response.correlation);
  const { outcome } = response;
  if ("body" in outcome) return [writer.uint8(ANSWERED).finish(), outcome.body];
  const { code, message, details } = outcome.error;
  const json = { code, message: message.slice(0, MESSAGE_LENGTH_MAX), details };
  return [writer.uint8(FAILED).finish(), encodeUtf8(JSON.stringify(json))];
}

/** Throws MalformedMessageError. */
export function decodeResponse(payload: Uint8Array): CallResponse {
  const reader = new ByteReader(payload);
  const [correlation, outcome] = [reader.varint(), reader.uint8()];
  const body = reader.bytes(reader.remaining);
  if (!reader.ok || outcome > FAILED) throw new MalformedMessageError("response of a peer");
  if (outcome === ANSWERED) return { correlation, outcome: { body } };
  return { correlation, outcome: { error: decodeError(body) } };
}

function decodeError(body: Uint8Array): CodedError {
  const text = decodeUtf8Strict(body);
  const json = text === undefined ? undefined : parse(text);
  const code = json?.["code"];
  const message = json?.["message"];
  if (typeof code !== "string" || typeof message !== "string") {
    throw new MalformedMessageError("error of a peer");
  }
  // A newer broker may know codes that this one does not.
  if (!isErrorCode(code)) return new CodedError("INTERNAL", `${code}: ${message}`);
  return new CodedError(code, message, { details: detailsOf(json?.["details"]) });
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    // The cast only names the keys as unknown; each is checked where it is read.
    return typeof json === "object" && json !== null
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    // JSON.parse has one failure: the text is not JSON, which the caller reports as malformed.
    return undefined;
  }
}

function detailsOf(value: unknown): ErrorDetails {
  const details: Record<string, string | number | boolean> = {};
  if (typeof value !== "object" || value === null) return details;
  for (const [key, detail] of Object.entries(value)) {
    const type = typeof detail;
    if (type === "string" || type === "number" || type === "boolean") details[key] = detail;
  }
  return details;
}
