import { CodedError } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { BatchResults } from "./batch-results.ts";

describe("BatchResults", () => {
  it("gives the places in the order of the records, whatever order they come in", async () => {
    const results = new BatchResults("orders", 3);
    const [first, second, third] = [0, 1, 2].map((index) => results.waiterOf(index));
    third?.onStored(1, 70);
    first?.onStored(0, 5);
    second?.onStored(0, 6);
    expect(await results.settled).toEqual([
      { topic: "orders", partition: 0, offset: 5n },
      { topic: "orders", partition: 0, offset: 6n },
      { topic: "orders", partition: 1, offset: 70n },
    ]);
  });

  it("waits for every record and then fails with the first failure", async () => {
    const results = new BatchResults("orders", 3);
    const [first, second, third] = [0, 1, 2].map((index) => results.waiterOf(index));
    let isSettled = false;
    results.settled.then(
      () => {},
      () => {
        isSettled = true;
      },
    );
    second?.onFailed(new CodedError("STORAGE_FULL", "full"));
    first?.onFailed(new CodedError("THROTTLED", "busy"));
    await Promise.resolve();
    expect(isSettled).toBe(false);
    third?.onStored(0, 1);
    await expect(results.settled).rejects.toMatchObject({ code: "STORAGE_FULL" });
  });
});
