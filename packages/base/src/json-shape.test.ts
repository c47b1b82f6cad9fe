import { describe, expect, it } from "vitest";
import { decodeJson, encodeJson, shape } from "./json-shape.ts";
import { encodeUtf8 } from "./text.ts";

const pet = shape.tagged({
  cat: shape.object({ name: shape.text, lives: shape.integer(0, 9) }),
  dog: shape.object({
    name: shape.text,
    tricks: shape.list(shape.text),
    tag: shape.optional(shape.text),
  }),
});

describe("json shapes", () => {
  it("give back what they accept, without fields they do not know", () => {
    const value = { type: "dog", name: "Rex", tricks: ["sit"], extra: 1 };
    expect(decodeJson(encodeJson(value), pet)).toEqual({
      ok: true,
      value: { type: "dog", name: "Rex", tricks: ["sit"] },
    });
  });

  it.each([
    [{ type: "cat", name: "Tom", lives: 10 }, ".lives: expected a whole number from 0 to 9"],
    [{ type: "cat", name: "Tom", lives: 0.5 }, ".lives: expected a whole number"],
    [{ type: "dog", name: "Rex", tricks: ["sit", 3] }, ".tricks[1]: expected a text"],
    [{ type: "dog", name: "Rex" }, ".tricks: expected a list"],
    [{ type: "dog", name: "Rex", tricks: [], tag: null }, ".tag: expected a text"],
    [{ type: "toString" }, ".type: expected one of cat, dog"],
    [[], "expected an object"],
    [null, "expected an object"],
  ])("refuse %j and say where", (value, reason) => {
    const decoded = decodeJson(encodeJson(value), pet);
    expect(decoded.ok ? "accepted" : decoded.reason).toContain(reason);
  });

  it("refuse bytes that are not JSON or not UTF-8", () => {
    expect(decodeJson(encodeUtf8("{"), pet).ok).toBe(false);
    expect(decodeJson(new Uint8Array([0x22, 0xff, 0x22]), shape.text)).toEqual({
      ok: false,
      reason: "not UTF-8",
    });
  });

  it("convert values and refuse what the conversion refuses", () => {
    const even = shape.converted(
      shape.integer(),
      (value) => {
        if (value % 2 === 1) throw new RangeError("odd");
        return value / 2;
      },
      "an even number",
    );
    expect(even.read(8, "n")).toBe(4);
    expect(() => even.read(7, "n")).toThrow("n: expected an even number");
    expect(shape.map(even).read({ a: 2 }, "")).toEqual(new Map([["a", 1]]));
  });
});
