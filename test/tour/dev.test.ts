// The life of a development cluster, as its user sees it: start, second start, Ctrl-C, resume.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canRun, sharedFolder } from "../skips.ts";
import { type RunningProgram, startStrata, strata } from "./strata-process.ts";

let folder = "";
let running: RunningProgram | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-dev-"));
  running = undefined;
});

afterEach(async () => {
  running?.child.kill("SIGINT");
  await running?.finished;
  await rm(folder, { recursive: true });
}, 60_000);

async function startDev(...flags: readonly string[]): Promise<RunningProgram> {
  running = startStrata(["dev", "--data", folder, ...flags]);
  await running.says("Ctrl-C stops the cluster");
  return running;
}

/** Process ids of brokers that `strata dev` printed. */
function brokerPids({ stderr }: { readonly stderr: string }): number[] {
  return [...stderr.matchAll(/^ *\d+ +(\d+) +127\.0\.0\.1:\d+/gm)].map(([, pid]) => Number(pid));
}

function clientAddresses({ stderr }: { readonly stderr: string }): string {
  return [...stderr.matchAll(/^ *\d+ +\d+ +(127\.0\.0\.1:\d+)/gm)].map(([, to]) => to).join(",");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

describe("strata dev", () => {
  it("says at a second start what runs where, stops everything at Ctrl-C, and resumes", async () => {
    const first = await startDev();
    const pids = brokerPids(first);
    expect(pids).toHaveLength(3);
    const second = await strata(["dev", "--data", folder]);
    expect(second.code).toBe(0);
    expect(second.stderr).toContain("A cluster runs over");
    expect(brokerPids(second)).toEqual(pids);
    const tour = await strata(["dev", "--data", folder, "--tour", "--exit"]);
    expect(tour.code).toBe(1);

    const brokers = ["--brokers", clientAddresses(first)];
    const created = await strata(["topic", "create", "kept", "--partitions", "3", ...brokers]);
    expect(created).toMatchObject({ code: 0 });
    const produced = await strata(["produce", "kept", ...brokers], { input: "one\ntwo\nthree\n" });
    expect(produced).toMatchObject({ code: 0 });

    first.child.kill("SIGINT");
    expect((await first.finished).code).toBe(0);
    expect(pids.some(isAlive)).toBe(false);

    const resumed = await startDev();
    const replayed = await strata(["replay", "kept", "--brokers", clientAddresses(resumed)]);
    expect(replayed.stdout.trim().split("\n").toSorted()).toEqual(["one", "three", "two"]);
  }, 120_000);

  it("leaves no broker behind when it is killed", async () => {
    const killed = await startDev();
    const pids = brokerPids(killed);
    killed.child.kill("SIGKILL");
    await killed.finished;
    for (let i = 0; i < 400 && pids.some(isAlive); i++) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
    expect(pids.filter(isAlive)).toEqual([]);
  }, 60_000);
});

const data = sharedFolder("data");
const hasData = canRun({
  need: "data",
  isMet: data !== undefined,
  name: "the tour on another project's history",
  reason: "../shared/data is not there",
});

describe.skipIf(!hasData)("the tour with --events", () => {
  it("rebuilds git's tree at every mark, and leaves its own trees to compare", async () => {
    const events = join(data!, "repo-history", "kafka.jsonl.gz");
    const flags = ["--data", folder, "--tour", "--exit", "--events", events];
    const { code, stdout } = await strata(["dev", ...flags]);
    expect(stdout).toMatch(/All \d+ comparisons held/);
    expect(code).toBe(0);
    const trees = (await readdir(folder)).filter((name) => name.startsWith("tree-at-"));
    expect(trees).toHaveLength(3);
    for (const name of trees) {
      const ours = await readFile(join(folder, name), "utf8");
      const gits = await readFile(join(data!, "repo-history", `kafka.${name}`), "utf8");
      expect(ours === gits).toBe(true);
    }
  }, 240_000);
});
