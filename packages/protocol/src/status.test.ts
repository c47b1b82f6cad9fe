import { Metadata, status as Status } from "@grpc/grpc-js";
import { CodedError, ERROR_CODES, type ErrorCode, type ErrorDetails } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageCodec } from "./definitions.ts";
import type { WireError } from "./gen/error.ts";
import {
  ERROR_METADATA_KEY,
  fromCallError,
  fromWireError,
  statusOf,
  toCallStatus,
  toWireError,
} from "./status.ts";

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const codec = messageCodec<WireError>("Error");

/** Over the wire as a message and back. */
function throughMessage(error: unknown): CodedError {
  return fromWireError(codec.decode(codec.encode(toWireError(error))));
}

/** Over the wire as a status and back, the way the library's client reports it. */
function throughStatus(error: unknown): CodedError {
  return fromCallError(serviceError(toCallStatus(error)));
}

function serviceError(parts: { code: Status; details: string; metadata?: Metadata }): Error {
  return Object.assign(new Error(`${parts.code}: ${parts.details}`), parts);
}

describe("status mapping", () => {
  it("gives every code of the catalogue a status, and the code back", () => {
    for (const code of codes) {
      expect(statusOf(code), code).toBeGreaterThan(Status.OK);
      const error = new CodedError(code, `about ${code}`, { details: { offset: 7, topic: "a" } });
      for (const back of [throughMessage(error), throughStatus(error)]) {
        expect(back.code).toBe(code);
        expect(back.message).toBe(`about ${code}`);
        expect(back.details).toEqual({ offset: 7, topic: "a" });
        expect(back.retriable).toBe(ERROR_CODES[code].retriable);
      }
    }
  });

  it("carries details of every kind, exact up to 2^53", () => {
    const details = { logEndOffset: Number.MAX_SAFE_INTEGER, host: "a", internal: false, low: -1 };
    const error = new CodedError("OFFSET_OUT_OF_RANGE", "m", { details });
    expect(throughStatus(error).details).toEqual(details);
  });

  it("carries a leader hint as details named leader…", () => {
    const details: ErrorDetails = {
      leaderId: 2,
      leaderEpoch: 9,
      leaderHost: "b",
      leaderPort: 9105,
      topic: "orders",
    };
    const error = new CodedError("NOT_LEADER", "broker 2 leads", { details });
    expect(toWireError(error).leader).toEqual({
      brokerId: 2,
      leaderEpoch: 9,
      host: "b",
      port: 9105,
    });
    expect(throughStatus(error).details).toEqual(details);
    const bare = new CodedError("NOT_LEADER", "m", { details: { leaderId: 3 } });
    expect(throughStatus(bare).details).toEqual({ leaderId: 3 });
  });

  it("keeps the text of a bug inside the broker", () => {
    const back = throughStatus(new TypeError("secret of the implementation"));
    expect(back.code).toBe("INTERNAL");
    expect(back.message).not.toContain("secret");
  });

  it("reads a code of a newer version as INTERNAL and names it", () => {
    const wire = codec.decode(codec.encode({ code: "NEVER_HEARD", message: "m" }));
    expect(fromWireError(wire)).toMatchObject({ code: "INTERNAL" });
    expect(fromWireError(wire).message).toContain("NEVER_HEARD");
  });

  it.each([
    [Status.UNAVAILABLE, "No connection established. Last error: x", "BROKER_NOT_AVAILABLE"],
    [Status.UNAVAILABLE, "Connection dropped", "REQUEST_TIMED_OUT"],
    [Status.DEADLINE_EXCEEDED, "Deadline exceeded", "REQUEST_TIMED_OUT"],
    [Status.CANCELLED, "Cancelled on client", "ABORTED"],
    [Status.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs 4)", "MESSAGE_TOO_LARGE"],
    [Status.RESOURCE_EXHAUSTED, "slow down", "THROTTLED"],
    [Status.UNIMPLEMENTED, "no such method", "UNSUPPORTED_VERSION"],
    [Status.INTERNAL, "oops", "INTERNAL"],
    [Status.PERMISSION_DENIED, "no", "INTERNAL"],
  ] as const)("reads a foreign status %i (%s) as %s", (code, details, expected) => {
    expect(fromCallError(serviceError({ code, details })).code).toBe(expected);
  });

  it("falls back to the status when the metadata is not ours", () => {
    const metadata = new Metadata();
    metadata.set(ERROR_METADATA_KEY, Buffer.from([0xff, 0xff]));
    const error = serviceError({ code: Status.DEADLINE_EXCEEDED, details: "late", metadata });
    expect(fromCallError(error).code).toBe("REQUEST_TIMED_OUT");
  });

  it("makes a status that the library can send, within bounds, of any text", () => {
    const text = fc.string({ unit: "binary", maxLength: 3_000 });
    const details = fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()), {
      maxKeys: 40,
    });
    fc.assert(
      fc.property(text, details, (message, facts) => {
        const error = new CodedError("INVALID_REQUEST", `${message}\ud800`, { details: facts });
        const status = toCallStatus(error);
        expect(() => encodeURI(status.details)).not.toThrow();
        const [bytes] = status.metadata.get(ERROR_METADATA_KEY);
        expect(bytes?.length).toBeLessThanOrEqual(4_096);
        expect(throughStatus(error).code).toBe("INVALID_REQUEST");
      }),
      { numRuns: 200 },
    );
  });
});
