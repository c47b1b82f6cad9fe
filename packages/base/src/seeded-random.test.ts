import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomUuid } from "./ports/random.ts";
import { SeededRandom } from "./seeded-random.ts";

describe("SeededRandom", () => {
  it("gives the same numbers for the same seed and others for another", () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("keeps every draw below its bound and reaches both ends", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), (seed, bound) => {
        const random = new SeededRandom(seed);
        const seen = new Set<number>();
        for (let i = 0; i < bound * 40; i++) seen.add(random.below(bound));
        expect([...seen].every((n) => n >= 0 && n < bound)).toBe(true);
        expect(seen.has(0) && seen.has(bound - 1)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("accepts the whole 32-bit range as a bound and refuses less than one", () => {
    const random = new SeededRandom(1);
    expect(random.below(0x1_0000_0000)).toBeLessThan(0x1_0000_0000);
    expect(() => random.below(0)).toThrow("random bound 0");
    expect(() => random.below(1.5)).toThrow("random bound 1.5");
  });

  it("forks by label without disturbing the parent", () => {
    const plain = new SeededRandom(3);
    const forked = new SeededRandom(3);
    const disk = forked.fork("disk");
    const network = forked.fork("network");
    for (let i = 0; i < 5; i++) disk.uint32();
    expect(forked.uint32()).toBe(plain.uint32());
    expect(new SeededRandom(3).fork("disk").uint32()).not.toBe(network.uint32());
  });

  it("spreads its draws evenly enough that no bucket is far off", () => {
    const random = new SeededRandom(42);
    const buckets = Array.from({ length: 16 }, () => 0);
    const draws = 16_000;
    for (let i = 0; i < draws; i++) {
      const bucket = Math.floor(random.fraction() * 16);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - draws / 16)).toBeLessThan(160);
  });

  it("makes version 4 UUIDs", () => {
    const uuid = randomUuid(new SeededRandom(9));
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
