import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PersistentMap } from "./persistent-map.ts";

const step = fc.record({
  key: fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ min: -5, max: 300 }).map(String)),
  value: fc.option(fc.integer(), { nil: undefined }),
});

describe("PersistentMap", () => {
  it("answers like a Map after any history, and old versions keep their answers", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let map = PersistentMap.empty<string, number>();
        const model = new Map<string, number>();
        const versions: { map: PersistentMap<string, number>; model: Map<string, number> }[] = [];
        for (const { key, value } of steps) {
          versions.push({ map, model: new Map(model) });
          map = value === undefined ? map.without(key) : map.with(key, value);
          if (value === undefined) model.delete(key);
          else model.set(key, value);
        }
        versions.push({ map, model });
        for (const version of versions) {
          expect(version.map.size).toBe(version.model.size);
          expect(new Map(version.map)).toEqual(version.model);
          for (const { key } of steps) {
            expect(version.map.get(key)).toBe(version.model.get(key));
            expect(version.map.has(key)).toBe(version.model.has(key));
          }
        }
      }),
    );
  });

  it("is built from entries, the later of two with one key winning", () => {
    const map = PersistentMap.of<number, string>([
      [1, "a"],
      [70_000, "b"],
      [1, "c"],
    ]);
    expect(map.size).toBe(2);
    expect(map.get(1)).toBe("c");
    expect([...map.keys()].toSorted((a, b) => a - b)).toEqual([1, 70_000]);
    const seen: string[] = [];
    map.forEach((value) => seen.push(value));
    expect(seen.toSorted()).toEqual(["b", "c"]);
  });
});
