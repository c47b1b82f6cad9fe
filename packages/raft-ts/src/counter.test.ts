import { describe, expect, it } from "vitest";
import { runCounter } from "../examples/counter.ts";

describe("the replicated counter of the README", () => {
  it("counts to ten on both replicas that outlive the first leader", () => {
    expect(runCounter()).toEqual([10, 10]);
  });
});
