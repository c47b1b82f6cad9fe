import { startTestCluster } from "@stratalog/testing";
import { describe, expect, it } from "vitest";

describe("a member that closes while its coordinator dies", () => {
  it("leaves at the next one, and the others do not wait for its session timeout", async () => {
    await using cluster = await startTestCluster({ brokers: 3 });
    await using log = cluster.connect();
    const admin = log.admin();
    await admin.createTopic({ name: "orders", partitions: 4 });
    const options = { group: "billing", topics: ["orders"], sessionTimeoutMs: 60_000 };
    const [staying, leaving] = [log.consumer(options), log.consumer(options)];
    for (const consumer of [staying, leaving]) {
      // It joins when it is asked for a record.
      consumer[Symbol.asyncIterator]()
        .next()
        .catch(() => {});
    }
    await expect.poll(() => leaving.assignment.length, { timeout: 10_000 }).toBe(2);
    const { coordinator } = await admin.describeGroup("billing");
    await cluster.killBroker(coordinator);
    await leaving.close({ timeoutMs: 20_000 });
    const group = await admin.describeGroup("billing");
    expect(group.members).toHaveLength(1);
    expect(group.coordinator).not.toBe(coordinator);
    await expect.poll(() => staying.assignment.length, { timeout: 10_000 }).toBe(4);
  }, 60_000);
});
