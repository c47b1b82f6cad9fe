import { describe, expect, it } from "vitest";
import { levelOf } from "./levels.ts";

describe("the words of a command line", () => {
  it.each([
    ["", "core"],
    ["--level core", "core"],
    ["--level host", "host memory"],
    ["--level host --log-store", "host log-store"],
    ["--log-store", "host log-store"],
  ])("name a level: %j is %s", (words, name) => {
    expect(levelOf(words.split(" ")).name).toBe(name);
  });

  it("name one of those that there are", () => {
    expect(() => levelOf(["--level", "cores"])).toThrow(RangeError);
    expect(() => levelOf(["--level", "core", "--log-store"])).toThrow(RangeError);
  });

  it("are those that a failure prints", () => {
    for (const words of ["", "--level host", "--level host --log-store"]) {
      const { name, flags } = levelOf(words.split(" "));
      expect(levelOf(flags.split(" ")).name).toBe(name);
    }
  });
});
