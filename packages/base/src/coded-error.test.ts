import { describe, expect, it } from "vitest";
import { CodedError } from "./coded-error.ts";
import { ERROR_CODES, isErrorCode } from "./error-codes.ts";

describe("CodedError", () => {
  it("takes retriable and outcome from the catalogue", () => {
    const moved = new CodedError("OUTCOME_UNKNOWN", "leadership moved");
    expect([moved.retriable, moved.outcomeUnknown]).toEqual([true, true]);
    const invalid = new CodedError("INVALID_TOPIC", "bad name", { details: { name: "a/b" } });
    expect([invalid.retriable, invalid.outcomeUnknown]).toEqual([false, false]);
    expect(invalid.details).toEqual({ name: "a/b" });
  });

  it("is recognised by shape, so that two copies of the package understand each other", () => {
    const foreign = Object.assign(new Error("x"), { code: "NOT_LEADER" });
    expect(CodedError.is(foreign)).toBe(true);
    expect(CodedError.is(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe(false);
    expect(CodedError.is({ code: "NOT_LEADER" })).toBe(false);
  });

  it("wraps what has no code as INTERNAL and keeps the cause", () => {
    const cause = new TypeError("boom");
    const wrapped = CodedError.from(cause);
    expect([wrapped.code, wrapped.message, wrapped.cause]).toEqual(["INTERNAL", "boom", cause]);
    expect(CodedError.from("text").message).toBe("text");
    expect(CodedError.from(wrapped)).toBe(wrapped);
  });

  it("has a sentence of meaning for every code, and knows no others", () => {
    for (const [code, traits] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[A-Z_]+$/);
      expect(traits.meaning).toMatch(/\.$/);
    }
    expect(isErrorCode("NOT_LEADER")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
  });
});
