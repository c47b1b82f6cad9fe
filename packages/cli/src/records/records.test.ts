import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonRecord } from "./json-record.ts";
import { parseLineRecord } from "./line-record.ts";
import { splitLines } from "./line-splitter.ts";
import { parsePosition } from "./position.ts";
import { recordAsJson, recordAsText } from "./record-text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | null) =>
  value === null ? null : new TextDecoder().decode(value);

const hex = (value: Uint8Array | null) =>
  value === null ? null : Buffer.from(value).toString("hex");

describe("splitLines", () => {
  it("gives the same lines however the bytes are cut", async () => {
    const line = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll(/[\r\n]/g, ""));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(20)), async (lines, cuts) => {
        const all = bytes(lines.map((item) => `${item}\n`).join(""));
        async function* chunks() {
          let start = 0;
          for (const cut of cuts) {
            yield all.subarray(start, start + cut);
            start += cut;
          }
          yield all.subarray(start);
        }
        const result: (string | null)[] = [];
        for await (const item of splitLines(chunks())) result.push(text(item));
        expect(result).toEqual(lines);
      }),
    );
  });

  it("takes a last line without an end, and lines that end as on Windows", async () => {
    async function* chunks() {
      yield bytes("a\r\nb");
    }
    const result: (string | null)[] = [];
    for await (const item of splitLines(chunks())) result.push(text(item));
    expect(result).toEqual(["a", "b"]);
  });
});

describe("parseLineRecord", () => {
  const parse = (line: string, format = {}) => {
    const { key, value } = parseLineRecord(bytes(line), 7, format);
    return [text(key), text(value)];
  };

  it("takes keys from a field, before a separator, or has none", () => {
    expect(parse("plain")).toEqual([null, "plain"]);
    expect(parse("k:v:w", { keySeparator: ":" })).toEqual(["k", "v:w"]);
    expect(parse('{"a":{"b":12}}', { keyField: "a.b" })).toEqual(["12", '{"a":{"b":12}}']);
  });

  it.each([
    ["plain", { keySeparator: ":" }, 'line 7 of the input has no ":"'],
    ["plain", { keyField: "id" }, "line 7 of the input is not JSON"],
    ["{}", { keyField: "id" }, 'has no field "id"'],
    ["{}", { keyField: "constructor" }, 'has no field "constructor"'],
    ['{"id":null}', { keyField: "id" }, "neither text nor number"],
  ])("refuses %s with its number", (line, format, expected) => {
    expect(() => parse(line, format)).toThrow(expected);
  });
});

describe("parsePosition", () => {
  const nowMs = 1_767_225_600_000;
  it.each([
    ["earliest", { kind: "earliest" }],
    ["end", { kind: "latest" }],
    ["42", { kind: "offset", offset: 42n }],
    ["@1767225600000", { kind: "time", timestampMs: nowMs }],
    ["@2026-01-01T00:00:00Z", { kind: "time", timestampMs: nowMs }],
    ["@-2h", { kind: "time", timestampMs: nowMs - 7_200_000 }],
    ["start", { kind: "earliest" }],
    ["-10", { kind: "last", count: 10n }],
    ["--1", undefined],
    ["@yesterday", undefined],
    ["soon", undefined],
  ])("reads %s", (input, expected) => {
    expect(parsePosition(input, nowMs)).toEqual(expected);
  });
});

describe("parseJsonRecord", () => {
  it("reads back what was printed", () => {
    const field = fc.option(fc.uint8Array());
    const headers = fc.array(fc.record({ key: fc.string(), value: field }));
    const record = fc.record({ key: field, value: field, headers, timestampMs: fc.nat() });
    fc.assert(
      fc.property(record, (printed) => {
        const line = recordAsJson({ topic: "t", partition: 1, offset: 2n, ...printed });
        const { key, value, headers: read, timestamp } = parseJsonRecord(bytes(line), 1);
        expect({ key: hex(key), value: hex(value), timestamp }).toEqual({
          key: hex(printed.key),
          value: hex(printed.value),
          timestamp: printed.timestampMs,
        });
        const plain = printed.headers.map((each) => [each.key, hex(each.value)]);
        expect(read.map((each) => [each.key, hex(each.value)])).toEqual(plain);
      }),
    );
  });

  it.each(["plain", "[]", '{"key":5}', '{"value":{"base16":"00"}}'])("refuses %s", (line) => {
    expect(() => parseJsonRecord(bytes(line), 7)).toThrow("line 7 of the input is no record");
  });
});

describe("records for people and programs", () => {
  const record = {
    topic: "t",
    partition: 1,
    offset: 2n ** 53n,
    timestampMs: 5,
    key: bytes("k"),
    value: new Uint8Array([0xff]),
    headers: [{ key: "h", value: null }],
  };

  it("lose nothing as JSON", () => {
    expect(JSON.parse(recordAsJson(record))).toEqual({
      topic: "t",
      partition: 1,
      offset: "9007199254740992",
      timestamp: 5,
      key: "k",
      value: { base64: "/w==" },
      headers: [{ key: "h", value: null }],
    });
  });

  it("are key and value as text", () => {
    expect(recordAsText({ ...record, value: bytes("v") })).toBe("k\tv");
    expect(recordAsText({ ...record, key: null, value: null })).toBe("");
  });
});
