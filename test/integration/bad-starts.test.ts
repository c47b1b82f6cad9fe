import { cp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BrokerProcess, type BrokerPlan } from "./broker-process.ts";
import { ProcessCluster } from "./process-cluster.ts";

// Brokers that must not start, or must not go on: each ends by itself, says why in one line, and
// harms nobody.

/** Starts a broker that is expected to end; gives its exit code and what it said last. */
async function failingStart(plan: BrokerPlan): Promise<{ code: unknown; said: string }> {
  const broker = new BrokerProcess(plan);
  await broker.spawn();
  const code = await broker.ended();
  return { code, said: await broker.logTail() };
}

describe("a broker ends with a clear error", () => {
  it("when its ports, its directory or its settings cannot be used", async () => {
    await using cluster = await ProcessCluster.start({ brokers: 1 });
    await using other = await ProcessCluster.create({ brokers: 1 });
    const [running, plan] = [cluster.broker(1).plan, other.broker(1).plan];

    for (const port of ["clientPort", "peerPort", "httpPort"] as const) {
      const taken = await failingStart({ ...plan, [port]: running[port] });
      expect(taken.code).toBe(6);
      expect(taken.said).toContain("ADDRESS_IN_USE");
      expect(taken.said).toContain(String(running[port]));
    }
    const settings = (more: BrokerPlan["settings"]): BrokerPlan => ({
      ...plan,
      settings: { ...plan.settings, ...more },
    });
    const inUse = await failingStart(settings({ "data.dir": join(running.directory, "data") }));
    expect(inUse.said).toContain("DIRECTORY_IN_USE");
    const unknown = await failingStart(settings({ "segment.byte": 1_048_576 }));
    expect(unknown.said).toContain("INVALID_CONFIG");
    expect(unknown.said).toContain('did you mean "segment.bytes"');
    const exposed = await failingStart(settings({ "listeners.client.host": "0.0.0.0" }));
    expect(exposed.said).toContain("insecure");

    await expect(cluster.broker(1).get("/readyz")).resolves.toMatchObject({ status: 200 });
  }, 60_000);

  it("when its directory cannot be made", async () => {
    await using cluster = await ProcessCluster.create({ brokers: 1 });
    const { plan } = cluster.broker(1);
    const file = join(plan.directory, "file");
    await writeFile(file, "a file where a directory should be");
    const { said } = await failingStart({
      ...plan,
      settings: { ...plan.settings, "data.dir": join(file, "data") },
    });
    expect(said).toContain("DIRECTORY_UNUSABLE");
    expect(said).toContain(file);
  });

  it("when its directory belongs to another broker or another cluster", async () => {
    await using cluster = await ProcessCluster.start({ brokers: 3 });
    await using foreign = await ProcessCluster.start({ brokers: 1 });
    const third = cluster.broker(3);
    await third.stop();
    await foreign.broker(1).stop();
    const own = join(third.plan.directory, "data");

    await rename(own, `${own}.kept`);
    await cp(join(cluster.broker(1).plan.directory, "data", "meta.json"), join(own, "meta.json"));
    const anothers = await failingStart(third.plan);
    expect(anothers.said).toContain("DIRECTORY_UNUSABLE");
    expect(anothers.said).toContain("belongs to broker 1");

    await rm(own, { recursive: true });
    await rename(`${own}.kept`, own);
    await third.start();

    // A directory of broker 1 of another cluster, started as broker 1 of this one.
    const first = cluster.broker(1);
    await first.stop();
    const data = join(foreign.broker(1).plan.directory, "data");
    const mismatch = await failingStart({
      ...first.plan,
      settings: { ...first.plan.settings, "data.dir": data },
    });
    expect(mismatch.said).toContain("CLUSTER_ID_MISMATCH");
    await first.start();
    await expect(first.get("/readyz")).resolves.toMatchObject({ status: 200 });
  }, 60_000);
});
