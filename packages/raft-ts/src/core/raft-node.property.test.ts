// Whole groups under random events. The seed of a failing run is in fast-check's report.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RandomCluster, type RandomClusterOptions } from "../testing/random/random-cluster.ts";

const RUN_COUNT = Number(process.env["RAFT_PROPERTY_RUNS"] ?? 200);
const EVENT_COUNT = 3000;

const clusterOptions: fc.Arbitrary<RandomClusterOptions> = fc.record({
  seed: fc.nat(),
  voterCount: fc.integer({ min: 1, max: 5 }),
  spareCount: fc.integer({ min: 0, max: 2 }),
  lossPercent: fc.constantFrom(0, 5, 20),
  duplicatePercent: fc.constantFrom(0, 10),
  crashPercent: fc.constantFrom(0, 1, 5),
  pendingPercent: fc.constantFrom(0, 30, 70),
  raft: fc.record({
    electionTicks: fc.constantFrom(3, 10),
    asyncStorageWrites: fc.boolean(),
    preVote: fc.boolean(),
    checkQuorum: fc.boolean(),
    coalesceAppends: fc.boolean(),
    stepDownOnRemoval: fc.boolean(),
    disableProposalForwarding: fc.boolean(),
    maxInflightMessages: fc.constantFrom(1, 3, 64),
    maxBytesPerMessage: fc.constantFrom(0, 40, 1000),
    maxUncommittedBytes: fc.constantFrom(10, 1000),
    maxCommittedBytesPerReady: fc.constantFrom(1, 50, 1000),
  }),
});

describe("a group under random events", () => {
  it("keeps every promise, and makes progress once the events stop", () => {
    fc.assert(
      fc.property(clusterOptions, (options) => {
        const cluster = new RandomCluster(options);
        cluster.run(EVENT_COUNT);
        cluster.settle();
        expect(cluster.highestCommitted).toBeGreaterThan(0);
      }),
      { numRuns: RUN_COUNT },
    );
  });
});
