import { Metadata, status as Status } from "@grpc/grpc-js";
import {
  CodedError,
  decodeUtf8,
  encodeUtf8,
  type ErrorCode,
  type ErrorDetails,
  isErrorCode,
} from "@stratalog/base";
import { messageCodec } from "./definitions.ts";
import type { ErrorDetail, LeaderHint, WireError } from "./gen/error.ts";
import type { Input } from "./method.ts";

/**
 * The only place where our error codes and gRPC's statuses meet. The catalogue's code travels
 * beside the status, in trailing metadata; the status alone is for tools that know gRPC and not us.
 *
 * Details named leaderId, leaderEpoch, leaderHost and leaderPort travel as the error's leader hint
 * when leaderId is among them, and come back as those details.
 */
const STATUS_OF: Readonly<Record<ErrorCode, Status>> = {
  INVALID_REQUEST: Status.INVALID_ARGUMENT,
  INVALID_CONFIG: Status.INVALID_ARGUMENT,
  UNSUPPORTED_VERSION: Status.UNIMPLEMENTED,
  REQUEST_TIMED_OUT: Status.DEADLINE_EXCEEDED,
  THROTTLED: Status.RESOURCE_EXHAUSTED,
  CLOSED: Status.CANCELLED,
  ABORTED: Status.CANCELLED,
  INTERNAL: Status.INTERNAL,
  INVALID_TOPIC: Status.INVALID_ARGUMENT,
  TOPIC_ALREADY_EXISTS: Status.ALREADY_EXISTS,
  UNKNOWN_TOPIC_OR_PARTITION: Status.NOT_FOUND,
  INVALID_PARTITIONS: Status.INVALID_ARGUMENT,
  INVALID_REPLICATION_FACTOR: Status.INVALID_ARGUMENT,
  NOT_CONTROLLER: Status.UNAVAILABLE,
  CONTROLLER_NOT_AVAILABLE: Status.UNAVAILABLE,
  CLUSTER_NOT_FORMED: Status.UNAVAILABLE,
  CLUSTER_ID_MISMATCH: Status.FAILED_PRECONDITION,
  BROKER_NOT_AVAILABLE: Status.UNAVAILABLE,
  NOT_LEADER: Status.UNAVAILABLE,
  LEADER_NOT_AVAILABLE: Status.UNAVAILABLE,
  NOT_ENOUGH_REPLICAS: Status.UNAVAILABLE,
  OUTCOME_UNKNOWN: Status.ABORTED,
  MESSAGE_TOO_LARGE: Status.INVALID_ARGUMENT,
  CORRUPT_BATCH: Status.INVALID_ARGUMENT,
  UNSUPPORTED_COMPRESSION: Status.INVALID_ARGUMENT,
  OUT_OF_ORDER_SEQUENCE: Status.FAILED_PRECONDITION,
  INVALID_PRODUCER_EPOCH: Status.FAILED_PRECONDITION,
  WRONG_EXPECTED_OFFSET: Status.FAILED_PRECONDITION,
  STORAGE_FULL: Status.RESOURCE_EXHAUSTED,
  STORAGE_DAMAGED: Status.DATA_LOSS,
  BUFFER_FULL: Status.RESOURCE_EXHAUSTED,
  OFFSET_OUT_OF_RANGE: Status.OUT_OF_RANGE,
  OFFSET_NOT_AVAILABLE: Status.UNAVAILABLE,
  FENCED_LEADER_EPOCH: Status.ABORTED,
  UNKNOWN_LEADER_EPOCH: Status.UNAVAILABLE,
  INVALID_GROUP_ID: Status.INVALID_ARGUMENT,
  GROUP_NOT_FOUND: Status.NOT_FOUND,
  GROUP_NOT_EMPTY: Status.FAILED_PRECONDITION,
  UNKNOWN_MEMBER: Status.FAILED_PRECONDITION,
  FENCED_MEMBER_EPOCH: Status.ABORTED,
  NOT_COORDINATOR: Status.UNAVAILABLE,
  COORDINATOR_NOT_AVAILABLE: Status.UNAVAILABLE,
  ADDRESS_IN_USE: Status.INTERNAL,
  DIRECTORY_IN_USE: Status.INTERNAL,
  DIRECTORY_UNUSABLE: Status.INTERNAL,
  SERDE_FAILED: Status.INVALID_ARGUMENT,
};

/**
 * What a status means that comes without our metadata: from the library, a proxy or another
 * program.
 */
const CODE_OF_FOREIGN: Readonly<Partial<Record<Status, ErrorCode>>> = {
  [Status.CANCELLED]: "ABORTED",
  [Status.INVALID_ARGUMENT]: "INVALID_REQUEST",
  [Status.DEADLINE_EXCEEDED]: "REQUEST_TIMED_OUT",
  [Status.RESOURCE_EXHAUSTED]: "THROTTLED",
  [Status.UNIMPLEMENTED]: "UNSUPPORTED_VERSION",
  [Status.UNAVAILABLE]: "BROKER_NOT_AVAILABLE",
};

/** Name of the trailing metadata that carries an encoded Error message. */
export const ERROR_METADATA_KEY = "stratalog-error-bin";

const MESSAGE_BYTES_MAX = 2_048;
const STATUS_MESSAGE_BYTES_MAX = 1_024;
const DETAIL_COUNT_MAX = 32;
const DETAIL_KEY_BYTES_MAX = 64;
const DETAIL_TEXT_BYTES_MAX = 1_024;
/** Trailers share a header block that peers bound, often at 8 KiB; base64 makes this 5.3 KiB. */
const METADATA_BYTES_MAX = 4_096;

/** The parts of a failed call that the library reads. */
export interface CallStatus {
  readonly code: Status;
  readonly details: string;
  readonly metadata: Metadata;
}

const errorCodec = messageCodec<WireError>("Error");

/** The gRPC status of a code. */
export function statusOf(code: ErrorCode): Status {
  return STATUS_OF[code];
}

/** An error as a message of ours. One without a code is a bug: its text stays in the log. */
export function toWireError(error: unknown): Input<WireError> {
  if (!CodedError.is(error)) {
    return { code: "INTERNAL", message: "A bug in the broker; its log has the details." };
  }
  const { leader, rest } = splitLeader(error.details);
  const details = Object.entries(rest).slice(0, DETAIL_COUNT_MAX).map(toWireDetail);
  const message = truncateUtf8(error.message, MESSAGE_BYTES_MAX);
  return { code: error.code, message, details, leader };
}

/**
 * The error that a message of ours describes. A code from a newer version is INTERNAL and named in
 * the message.
 */
export function fromWireError(wire: WireError): CodedError {
  const details: Record<string, string | number | boolean> = {};
  for (const detail of wire.details) {
    const value = detail.text ?? detail.number ?? detail.flag;
    if (value !== undefined) details[detail.key] = value;
  }
  if (wire.leader !== null) Object.assign(details, leaderDetails(wire.leader));
  if (!isErrorCode(wire.code)) {
    return new CodedError("INTERNAL", `unknown error ${wire.code}: ${wire.message}`, { details });
  }
  return new CodedError(wire.code, wire.message, { details });
}

/** The status to end a call with. */
export function toCallStatus(error: unknown): CallStatus {
  const wire = toWireError(error);
  const code = wire.code ?? "INTERNAL";
  const metadata = new Metadata();
  metadata.set(ERROR_METADATA_KEY, encodeWithin(wire, METADATA_BYTES_MAX));
  return {
    code: isErrorCode(code) ? STATUS_OF[code] : Status.INTERNAL,
    details: truncateUtf8(wire.message ?? "", STATUS_MESSAGE_BYTES_MAX),
    metadata,
  };
}

/** The error that a failed call of the library means; errors with a code of ours pass through. */
export function fromCallError(error: unknown): CodedError {
  if (CodedError.is(error)) return error;
  if (!isServiceError(error)) return CodedError.from(error);
  const carried = error.metadata?.get(ERROR_METADATA_KEY)[0];
  if (Buffer.isBuffer(carried)) {
    const wire = tryDecode(carried);
    if (wire !== undefined) return fromWireError(wire);
  }
  return new CodedError(foreignCode(error), error.details, { cause: error });
}

interface CallError extends Error {
  readonly code: Status;
  readonly details: string;
  readonly metadata?: Metadata;
}

function isServiceError(error: unknown): error is CallError {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "number" &&
    "details" in error &&
    typeof error.details === "string"
  );
}

/** Texts by which the library says that a call never left this machine. */
const NEVER_SENT = /No connection established|Name resolution failed|ECONNREFUSED/;
const TOO_LARGE = /larger than max/;

function foreignCode(error: CallError): ErrorCode {
  if (error.code === Status.UNAVAILABLE && !NEVER_SENT.test(error.details)) {
    // The connection broke under the call: whether it took effect is unknown.
    return "REQUEST_TIMED_OUT";
  }
  if (error.code === Status.RESOURCE_EXHAUSTED && TOO_LARGE.test(error.details)) {
    return "MESSAGE_TOO_LARGE";
  }
  return CODE_OF_FOREIGN[error.code] ?? "INTERNAL";
}

function tryDecode(bytes: Buffer): WireError | undefined {
  try {
    return errorCodec.decode(bytes);
  } catch {
    // Metadata of that name that is not ours: the status alone counts.
    return undefined;
  }
}

function encodeWithin(wire: Input<WireError>, limitBytes: number): Buffer {
  let details = [...(wire.details ?? [])];
  let encoded = errorCodec.encode(wire);
  while (encoded.length > limitBytes && details.length > 0) {
    details = details.slice(0, details.length >> 1);
    encoded = errorCodec.encode({ ...wire, details });
  }
  return encoded;
}

function toWireDetail([key, value]: readonly [string, ErrorDetails[string]]): Input<ErrorDetail> {
  const name = truncateUtf8(key, DETAIL_KEY_BYTES_MAX);
  if (typeof value === "number") return { key: name, number: value };
  if (typeof value === "boolean") return { key: name, flag: value };
  return { key: name, text: truncateUtf8(value, DETAIL_TEXT_BYTES_MAX) };
}

function splitLeader(details: ErrorDetails): {
  readonly leader: Input<LeaderHint> | null;
  readonly rest: ErrorDetails;
} {
  const { leaderId, leaderEpoch, leaderHost, leaderPort, ...rest } = details;
  if (typeof leaderId !== "number") return { leader: null, rest: details };
  return {
    leader: {
      brokerId: leaderId,
      leaderEpoch: typeof leaderEpoch === "number" ? leaderEpoch : 0,
      host: typeof leaderHost === "string" ? leaderHost : "",
      port: typeof leaderPort === "number" ? leaderPort : 0,
    },
    rest,
  };
}

function leaderDetails(leader: LeaderHint): ErrorDetails {
  return {
    leaderId: leader.brokerId,
    ...(leader.leaderEpoch > 0 ? { leaderEpoch: leader.leaderEpoch } : {}),
    ...(leader.host !== "" ? { leaderHost: leader.host } : {}),
    ...(leader.port > 0 ? { leaderPort: leader.port } : {}),
  };
}

/**
 * Cuts to whole characters within the limit. The result has no lone surrogates, which the library
 * cannot send.
 */
function truncateUtf8(text: string, limitBytes: number): string {
  const bytes = encodeUtf8(text);
  if (bytes.length <= limitBytes) return decodeUtf8(bytes);
  let end = limitBytes;
  // 0b10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return decodeUtf8(bytes.subarray(0, end));
}
