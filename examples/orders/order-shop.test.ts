import { MemorySnapshotStore } from "@stratalog/client";
import { startTestCluster } from "@stratalog/testing";
import { expect, test } from "vitest";
import { readOrders, runShop } from "./order-shop.ts";

test("every order is seen through, the poisoned one after its redrive", async () => {
  await using cluster = await startTestCluster();
  await using log = cluster.connect();
  const report = await runShop(log, 20);
  expect(report.deadLetterReason).toBe("Error: there is no unicorn");
  expect(report).toMatchObject({ redriven: 1, notified: 20 });
  expect(report.bankCalls).toBeGreaterThan(20);

  // The read model is a fold: made anew from the first event, or gone on with from a snapshot, it
  // says the same.
  const store = new MemorySnapshotStore();
  const rebuilt = await readOrders(log, store);
  expect(rebuilt.size).toBe(20);
  expect([...rebuilt].every(([, order]) => order.status === "notified")).toBe(true);
  const resumed = await readOrders(log, store);
  expect([resumed.foldedCount, resumed.resumedKeys]).toEqual([0, 20]);
  expect(new Map(resumed)).toEqual(new Map(rebuilt));
}, 60_000);
