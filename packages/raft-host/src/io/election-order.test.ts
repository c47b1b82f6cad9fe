import { SeededRandom } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { electionOrder } from "./election-order.ts";

const TIMEOUT_TICKS = 30;
const replicas = [11, 12, 13];

function draws(self: number, bound = TIMEOUT_TICKS, voters = replicas): readonly number[] {
  const random = new SeededRandom(7);
  const draw = electionOrder({ self, replicas: voters, random: (below) => random.below(below) });
  return Array.from({ length: 300 }, () => draw(bound));
}

describe("electionOrder", () => {
  it("lets replicas campaign one after the other in their configured order", () => {
    const [first, second, third] = replicas.map((self) => draws(self));
    expect(Math.max(...(first ?? []))).toBeLessThan(Math.min(...(second ?? [])));
    expect(Math.max(...(second ?? []))).toBeLessThan(Math.min(...(third ?? [])));
  });

  it("keeps everyone beyond the timeout of the others, and the third within half as much again", () => {
    expect(Math.min(...draws(11))).toBeGreaterThanOrEqual(2);
    expect(Math.max(...draws(13))).toBeLessThan(TIMEOUT_TICKS * 0.6);
  });

  it("stays below its bound for any timeout and any number of voters", () => {
    const many = Array.from({ length: 9 }, (_, index) => index + 1);
    for (const bound of [1, 2, 3, 5, 10, 30]) {
      for (const self of [...many, 99]) {
        for (const extra of draws(self, bound, many)) {
          expect(extra).toBeGreaterThanOrEqual(0);
          expect(extra).toBeLessThan(bound);
        }
      }
    }
  });

  it("draws again each time, also for a replica that is no voter", () => {
    expect(new Set(draws(12)).size).toBeGreaterThan(1);
    expect(new Set(draws(99)).size).toBeGreaterThan(10);
  });
});
