import { brokerId, encodeUtf8 } from "@stratalog/base";
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

/** A hello on the control lane with any text. */
function encodeJson(json: object): Uint8Array {
  const bytes = encodeHandshake({ type: "refusal", reason: "" });
  const text = encodeUtf8(JSON.stringify(json));
  const { length } = text;
  return new Uint8Array([...bytes.subarray(0, 4), 1, length >> 8, length & 0xff, ...text]);
}

describe("the peer handshake", () => {
  it("survives its own encoding, with bytes of the next message behind it", () => {
    const blocks: Handshake[] = [
      { type: "hello", lane: "control", hello },
      { type: "hello", lane: "bulk", hello: { ...hello, clusterId: "cluster" } },
      { type: "hello", lane: "bulk", hello: { ...hello, address: { host: "log-1", port: 9103 } } },
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
    expect(decodeHandshake(encodeJson(hello)).kind).toBe("handshake");
    const broken = [
      { ...hello, brokerId: 0 },
      { ...hello, brokerId: 70_000 },
      { ...hello, brokerId: "3" },
      { ...hello, clusterId: 7 },
      { ...hello, directoryId: "" },
      { ...hello, protocolVersion: null },
      [],
    ];
    for (const json of broken) expect(decodeHandshake(encodeJson(json)).kind).toBe("malformed");
  });

  it("takes an address that somebody could dial, and refuses any other", () => {
    const kindOf = (address: unknown): string =>
      decodeHandshake(encodeJson({ ...hello, address })).kind;
    const [host, port] = ["127.0.0.1", 9103];
    for (const good of ["log-1.example", "::1", "fe80::1%eth0", "l\u00f6g", "x".repeat(253)]) {
      expect([good, kindOf({ host: good, port })]).toEqual([good, "handshake"]);
    }
    for (const good of [1, 65_535]) expect(kindOf({ host, port: good })).toBe("handshake");
    for (const bad of ["", "x".repeat(254), "a b", "a\nb", "a\0", "a\u202eb", 7, null, ["a"]]) {
      expect([bad, kindOf({ host: bad, port })]).toEqual([bad, "malformed"]);
    }
    for (const bad of [0, -1, 65_536, 1.5, "9103", null, undefined]) {
      expect([bad, kindOf({ host, port: bad })]).toEqual([bad, "malformed"]);
    }
    for (const bad of [null, "127.0.0.1:9103", 9103, [], {}]) {
      expect([bad, kindOf(bad)]).toEqual([bad, "malformed"]);
    }
    expect(
      decodeHandshake(encodeJson({ ...hello, address: { host, port, more: 1 } })),
    ).toMatchObject({ handshake: { hello: { ...hello, address: { host, port } } } });
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
