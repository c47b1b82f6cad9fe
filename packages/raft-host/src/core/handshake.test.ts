import { brokerId } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PeerHello } from "../ports/peer-link.ts";
import { decodeHandshake, encodeHandshake, type Handshake } from "./handshake.ts";

const hello: PeerHello = {
  protocolVersion: 1,
  clusterId: undefined,
  brokerId: brokerId(3),
  directoryId: "directory",
  incarnation: "life",
};

describe("the peer handshake", () => {
  it("survives its own encoding, with bytes of the next message behind it", () => {
    const blocks: Handshake[] = [
      { type: "hello", lane: "control", hello },
      { type: "hello", lane: "bulk", hello: { ...hello, clusterId: "cluster" } },
      { type: "welcome", hello },
      { type: "refusal", reason: "another cluster" },
      { type: "refusal", reason: "another cluster", hello },
    ];
    for (const handshake of blocks) {
      const bytes = encodeHandshake(handshake);
      const decoding = decodeHandshake(new Uint8Array([...bytes, 1, 2, 3]));
      expect(decoding).toEqual({ kind: "handshake", handshake, endPosition: bytes.length });
      for (let end = 0; end < bytes.length; end++) {
        expect(decodeHandshake(bytes.subarray(0, end)).kind).toBe("incomplete");
      }
    }
  });

  it("tells foreign bytes at once: HTTP, TLS, zeros", () => {
    const kind = (text: string): string =>
      decodeHandshake(Uint8Array.from(text, (c) => c.charCodeAt(0))).kind;
    expect(kind("G")).toBe("malformed");
    expect(kind("\x16\x03\x01")).toBe("malformed");
    expect(kind("\0\0\0\0")).toBe("malformed");
    expect(kind("STLP\x01\xff\xff")).toBe("malformed");
  });

  it("refuses a hello whose fields are missing, of another type or out of range", () => {
    const encode = (json: object): Uint8Array => {
      const bytes = encodeHandshake({ type: "refusal", reason: "" });
      const text = Uint8Array.from(JSON.stringify(json), (c) => c.charCodeAt(0));
      return new Uint8Array([...bytes.subarray(0, 4), 1, 0, text.length, ...text]);
    };
    expect(decodeHandshake(encode(hello)).kind).toBe("handshake");
    const broken = [
      { ...hello, brokerId: 0 },
      { ...hello, brokerId: 70_000 },
      { ...hello, brokerId: "3" },
      { ...hello, clusterId: 7 },
      { ...hello, directoryId: "" },
      { ...hello, protocolVersion: null },
      [],
    ];
    for (const json of broken) expect(decodeHandshake(encode(json)).kind).toBe("malformed");
  });

  it("never throws on arbitrary bytes behind its magic", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const decoding = decodeHandshake(new Uint8Array([0x53, 0x54, 0x4c, 0x50, ...bytes]));
        expect(decoding.kind).not.toBe("handshake");
      }),
    );
  });
});
