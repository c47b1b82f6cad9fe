import { describe, expect, it } from "vitest";
import { entryBytes, payloadBytes, totalEntryBytes, totalPayloadBytes } from "./entry-size.ts";
import type { ConfChange, Entry } from "./types.ts";

function change(fields: Partial<ConfChange>): Entry {
  const base: ConfChange = { transition: "auto", changes: [] };
  return { type: "conf-change", index: 1, term: 1, change: { ...base, ...fields } };
}

function normal(bytes: number): Entry {
  return { type: "normal", index: 1, term: 1, data: { byteLength: bytes } };
}

describe("the size of an entry", () => {
  it("is its payload, and twelve bytes in a message", () => {
    expect([payloadBytes(normal(7)), entryBytes(normal(7))]).toEqual([7, 19]);
    expect(totalPayloadBytes([normal(7), normal(1)])).toBe(8);
    expect(totalEntryBytes([normal(7), normal(1)])).toBe(32);
  });

  it("is nothing for the entries that no limit may stop", () => {
    expect(payloadBytes({ type: "normal", index: 1, term: 1, data: undefined })).toBe(0);
    expect(payloadBytes(change({}))).toBe(0);
  });

  it("counts what a configuration change carries", () => {
    expect(payloadBytes(change({ context: new Uint8Array(5) }))).toBeGreaterThanOrEqual(5);
    const one = payloadBytes(change({ changes: [{ kind: "remove", replica: 1 }] }));
    expect(one).toBeGreaterThan(0);
  });
});
