import { brokerId, type BrokerId, SeededRandom } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BrokerRegistration, emptyImage, type MetadataImage } from "./image.ts";
import { placePartitions } from "./placement.ts";

function broker(id: number, rack?: string, isFenced = false): BrokerRegistration {
  return {
    brokerId: brokerId(id),
    directoryId: `directory ${id}` as never,
    incarnation: `incarnation ${id}`,
    brokerEpoch: id,
    ...(rack === undefined ? {} : { rack }),
    clientListeners: [],
    peerAddress: { host: "127.0.0.1", port: 0 },
    isFenced,
  };
}

function imageOf(brokers: readonly BrokerRegistration[]): MetadataImage {
  return { ...emptyImage(), brokers: new Map(brokers.map((one) => [one.brokerId, one])) };
}

function spread(counts: Iterable<number>): number {
  const values = [...counts];
  return Math.max(...values) - Math.min(...values);
}

function countBy(brokers: readonly BrokerRegistration[], replicas: readonly BrokerId[]) {
  return brokers.map((one) => replicas.filter((id) => id === one.brokerId).length);
}

const layouts = fc.record({
  racks: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
  partitionCount: fc.integer({ min: 1, max: 40 }),
  replicationFactor: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
});

describe("placePartitions", () => {
  it("spreads leaders evenly, replicas over distinct brokers, and over as many racks as it can", () => {
    fc.assert(
      fc.property(layouts, ({ racks, partitionCount, replicationFactor, seed }) => {
        const brokers = racks.flatMap((size, rack) =>
          Array.from({ length: size }, (_, i) => broker(rack * 10 + i + 1, `rack ${rack}`)),
        );
        fc.pre(replicationFactor <= brokers.length);
        const placed =
          placePartitions({
            image: imageOf(brokers),
            partitionCount,
            replicationFactor,
            existing: [],
            random: new SeededRandom(seed),
          }) ?? [];
        expect(placed).toHaveLength(partitionCount);
        const leaders = placed.flatMap((replicas) => replicas.slice(0, 1));
        expect(spread(countBy(brokers, leaders))).toBeLessThanOrEqual(1);
        for (const replicas of placed) {
          expect(new Set(replicas).size).toBe(replicationFactor);
          const used = new Set(replicas.map((id) => Math.floor(id / 10)));
          expect(used.size).toBe(Math.min(replicationFactor, racks.length));
        }
        const sameSize = racks.every((size) => size === racks[0]);
        if (sameSize && replicationFactor <= racks.length) {
          expect(spread(countBy(brokers, placed.flat()))).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it("keeps replicas of brokers without racks even", () => {
    fc.assert(
      fc.property(layouts, ({ partitionCount, replicationFactor, seed }) => {
        const brokers = Array.from({ length: 5 }, (_, i) => broker(i + 1));
        const placed = placePartitions({
          image: imageOf(brokers),
          partitionCount,
          replicationFactor,
          existing: [],
          random: new SeededRandom(seed),
        });
        expect(spread(countBy(brokers, (placed ?? []).flat()))).toBeLessThanOrEqual(2);
      }),
    );
  });

  it("lets a fenced broker follow only where no other is left, and never lead", () => {
    const brokers = [broker(1), broker(2, undefined, true), broker(3)];
    const request = { image: imageOf(brokers), existing: [], random: new SeededRandom(1) };
    const two = placePartitions({ ...request, partitionCount: 6, replicationFactor: 2 }) ?? [];
    expect(two.flat()).not.toContain(2);
    const three = placePartitions({ ...request, partitionCount: 6, replicationFactor: 3 }) ?? [];
    expect(three.map((replicas) => replicas[0])).not.toContain(2);
    expect(three.every((replicas) => replicas.length === 3)).toBe(true);
  });

  it("has no answer while every broker is fenced", () => {
    const image = imageOf([broker(1, undefined, true)]);
    expect(
      placePartitions({
        image,
        partitionCount: 1,
        replicationFactor: 1,
        existing: [],
        random: new SeededRandom(1),
      }),
    ).toBeUndefined();
  });

  it("gives the partitions that a topic grows by to the brokers that have fewest of it", () => {
    const brokers = [broker(1), broker(2), broker(3)];
    const existing = [[brokerId(1)], [brokerId(2)]];
    const placed = placePartitions({
      image: imageOf(brokers),
      partitionCount: 1,
      replicationFactor: 1,
      existing,
      random: new SeededRandom(3),
    });
    expect(placed).toEqual([[3]]);
  });
});
