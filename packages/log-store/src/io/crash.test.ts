// Crash test. A seeded workload runs on a file system in memory; before every call of it (and every
// write of the checkpoint store) the machine is crashed in several ways, recovered from what is
// left, and compared with a naive model of the log. `npm run crash-matrix` does the same for long.
import { SeededRandom } from "@stratalog/base";
import { expect, test } from "vitest";
import { CRASH_EVENTS, crashEverywhere } from "../testing/crash-run.ts";
import { StoreFixture } from "../testing/store-fixture.ts";

const density = { killEvery: 90, failedSyncEvery: 40, nestedEvery: 4 };

test.each([11, 13])(
  "a crash at any call leaves a prefix that holds everything acknowledged (seed %i)",
  async (seed) => {
    const { failures, points, states, tally, counts } = await crashEverywhere({
      seed,
      steps: 80,
      density,
    });
    expect(failures, `seed ${seed}`).toEqual([]);
    expect(points).toBeGreaterThan(500);
    expect(states).toBeGreaterThan(points * 2);
    for (const what of CRASH_EVENTS) expect(counts[what] ?? 0, what).toBeGreaterThan(0);
    for (const [kind, count] of Object.entries(tally)) expect(count, kind).toBeGreaterThan(0);
  },
  120_000,
);

test.each(["dataSync", "syncDirectory"] as const)(
  "a disk whose %s does nothing is noticed",
  async (call) => {
    const { failures } = await crashEverywhere({
      seed: 11,
      steps: 40,
      density,
      sabotage: ({ ignored }) => ignored.add(call),
    });
    expect(failures.length).toBeGreaterThan(0);
  },
);

test.each([false, true])(
  "a group that was dropped before a kill stays dropped over a power cut (sync failed: %s)",
  async (hasFailed) => {
    const fixture = await StoreFixture.open();
    const group = await fixture.group(1);
    await fixture.appendData(group, 3);
    await fixture.store.checkpoint();
    let killed: ReturnType<StoreFixture["disk"]> | undefined;
    fixture.fileSystem.observer = ({ operation, path }) => {
      if (operation === "syncDirectory" && path.endsWith("/groups")) killed ??= fixture.disk();
    };
    await fixture.store.dropGroup(group);
    if (killed === undefined) throw new Error("no sync was seen");
    if (hasFailed) killed.fileSystem.failSync("/data/groups");
    const restarted = await StoreFixture.open({}, killed);
    expect(restarted.store.groups()).toEqual([]);
    const fileSystem = killed.fileSystem.afterPowerCut({ random: new SeededRandom(1), keep: 0 });
    const later = await StoreFixture.open({}, { fileSystem, keyValue: killed.keyValue.image() });
    expect(later.store.groups()).toEqual([]);
  },
);
