import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokerId, groupNumber, type ReplicaEpoch, replicaIdentity, replicaNumber } from "./ids.ts";
import { advance, offset } from "./offsets.ts";

describe("ids", () => {
  it("turn a replica's identity into one safe number and back", () => {
    const brokers = fc.integer({ min: 1, max: 0xffff });
    const epochs = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(brokers, epochs, (broker, epoch) => {
        const identity = { brokerId: brokerId(broker), replicaEpoch: epoch as ReplicaEpoch };
        const number = replicaNumber(identity);
        expect(Number.isSafeInteger(number) && number > 0).toBe(true);
        expect(replicaIdentity(number)).toEqual(identity);
      }),
    );
  });

  it("refuse what is out of range", () => {
    expect(() => brokerId(0)).toThrow("broker id 0");
    expect(() => groupNumber(2 ** 32)).toThrow("group 4294967296");
    expect(() => offset(-1)).toThrow("offset -1");
    expect(advance(offset(5), 3)).toBe(8);
  });
});
