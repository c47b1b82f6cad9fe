import { brokerId } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import type { PeerHello } from "../ports/peer-link.ts";
import { testHello } from "../testing/peer-link-contract.ts";
import { Guests } from "./guests.ts";

function helloOf(id: number, port: number, directoryId = `directory-${id}`): PeerHello {
  return { ...testHello(brokerId(id)), directoryId, address: { host: "log", port } };
}

const portsOf = (guests: Guests): readonly (readonly [number, number])[] =>
  [...guests.addresses()].map(([id, { port }]) => [id, port]);

describe("Guests", () => {
  it("are at the address that they gave last, until they are forgotten", () => {
    const guests = new Guests(2);
    expect(guests.admit(helloOf(4, 1))).toBeUndefined();
    expect(guests.admit(helloOf(4, 1))).toBeUndefined();
    expect(guests.admit(helloOf(4, 2))).toBeUndefined();
    expect(portsOf(guests)).toEqual([[4, 2]]);
    expect(guests.forget(brokerId(4))).toBe(true);
    expect(guests.forget(brokerId(4))).toBe(false);
    expect(portsOf(guests)).toEqual([]);
  });

  it("are so many and no more; one that is known may move all the same", () => {
    const guests = new Guests(2);
    for (const id of [4, 5]) expect(guests.admit(helloOf(id, 1))).toBeUndefined();
    expect(guests.admit(helloOf(6, 1))).toContain("2 brokers that are not registered");
    expect(guests.admit(helloOf(5, 2))).toBeUndefined();
    guests.forget(brokerId(4));
    expect(guests.admit(helloOf(6, 3))).toBeUndefined();
    expect(portsOf(guests)).toEqual([
      [5, 2],
      [6, 3],
    ]);
  });

  it("keep their number against another data directory, until they are forgotten", () => {
    const guests = new Guests(2);
    guests.admit(helloOf(4, 1));
    expect(guests.admit(helloOf(4, 2, "copy"))).toContain("data directory directory-4, not copy");
    expect(guests.admit({ ...helloOf(4, 2, "copy"), address: undefined })).toContain("not copy");
    expect(portsOf(guests)).toEqual([[4, 1]]);
    guests.forget(brokerId(4));
    expect(guests.admit(helloOf(4, 2, "copy"))).toBeUndefined();
  });

  it("are nobody without an address", () => {
    const guests = new Guests(2);
    expect(guests.admit(testHello(brokerId(4)))).toBeUndefined();
    expect(portsOf(guests)).toEqual([]);
  });
});
