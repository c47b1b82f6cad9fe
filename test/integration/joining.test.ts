import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type Stratalog } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { AcknowledgedLoad, doubled, missing, replayAll } from "./acknowledged-load.ts";
import { BrokerProcess, type BrokerPlan } from "./broker-process.ts";
import { freePorts } from "./free-ports.ts";
import { ProcessCluster } from "./process-cluster.ts";

// Brokers that are no seeds: they come to a cluster that others formed, and hold data of it.

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/strata.js", import.meta.url));
const TOPIC = "spread";
const PARTITIONS = 12;
const WAIT = { timeout: 20_000, interval: 50 };

/** A plan of a broker that knows the seeds and is none of them. */
async function planNewcomer(cluster: ProcessCluster, id: number): Promise<BrokerPlan> {
  const directory = join(cluster.directory, `broker-${id}`);
  await mkdir(directory);
  const { seeds, settings } = cluster.broker(1).plan;
  return { id, directory, seeds, settings, ...(await newPorts()) };
}

async function newPorts(): Promise<Pick<BrokerPlan, "clientPort" | "peerPort" | "httpPort">> {
  const [clientPort = 0, peerPort = 0, httpPort = 0] = await freePorts(3);
  return { clientPort, peerPort, httpPort };
}

/** Waits until every replica is in sync, and has a leader. */
async function whole(client: Stratalog): Promise<void> {
  const isWhole = async (): Promise<boolean> => {
    const { partitions, underReplicatedCount, leaderlessCount } = await client
      .admin()
      .describeReplication();
    return partitions.length > 0 && underReplicatedCount + leaderlessCount === 0;
  };
  await expect.poll(isWhole, WAIT).toBe(true);
}

async function heldBy(client: Stratalog, broker: number): Promise<number> {
  const { partitions } = await client.admin().describeTopic(TOPIC);
  return partitions.filter(({ replicas }) => replicas.includes(broker)).length;
}

describe("a broker that is no seed", () => {
  it("joins, holds replicas of new topics, and comes back after kill -9 and on other ports", async () => {
    await using cluster = await ProcessCluster.start({ brokers: 3 });
    const plan = await planNewcomer(cluster, 4);
    let fourth = new BrokerProcess(plan);
    try {
      await fourth.start();
      await using client = connect({ brokers: [fourth.address] });
      const { brokers } = await client.admin().describeCluster();
      const voting = brokers.map(({ brokerId, isControllerVoter }) => [
        brokerId,
        isControllerVoter,
      ]);
      expect(new Map(voting as [number, boolean][])).toEqual(
        new Map([1, 2, 3, 4].map((id) => [id, id !== 4])),
      );
      await client
        .admin()
        .createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 });
      // Three of four brokers hold each partition.
      expect(await heldBy(client, 4)).toBeGreaterThanOrEqual(PARTITIONS / 2);

      const load = new AcknowledgedLoad(client, TOPIC);
      await load.more(500);
      await whole(client);
      await fourth.kill();
      await load.more(500);
      await fourth.start();
      await whole(client);
      await load.more(500);

      expect(await fourth.stop()).toBe(0);
      fourth = new BrokerProcess({ ...plan, ...(await newPorts()) });
      await fourth.start();
      await whole(client);
      await load.more(500);
      await load.stop();
      const records = await replayAll(client, TOPIC);
      expect(missing(load.acknowledged, records)).toEqual([]);
      expect(doubled(records)).toEqual([]);
    } finally {
      await fourth.kill();
    }
  }, 120_000);

  it("does not join under a number that another directory has, and harms nobody", async () => {
    await using cluster = await ProcessCluster.start({ brokers: 1 });
    const plan = await planNewcomer(cluster, 2);
    const [second, copy] = [
      new BrokerProcess(plan),
      new BrokerProcess({
        ...plan,
        ...(await newPorts()),
        directory: join(plan.directory, "copy"),
      }),
    ];
    try {
      await second.start();
      await mkdir(copy.plan.directory);
      await copy.spawn();
      await expect.poll(() => copy.logTail(), WAIT).toContain("is registered with data directory");
      expect((await copy.get("/readyz"))?.status).toBe(503);
      expect((await second.get("/readyz"))?.status).toBe(200);
      expect((await cluster.broker(1).get("/readyz"))?.status).toBe(200);
    } finally {
      await Promise.all([second.kill(), copy.kill()]);
    }
  }, 60_000);
});

describe("strata dev", () => {
  it.each([2, 4])(
    "has a cluster of %i brokers ready",
    async (count) => {
      const directory = await mkdtemp(join(tmpdir(), "stratalog-dev-"));
      const args = [PROGRAM, "dev", "--brokers", `${count}`, "--data", join(directory, "data")];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      const ended = new Promise((resolve) => {
        child.once("exit", (code, signal) => resolve(code ?? signal));
      });
      try {
        let said = "";
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding("utf8").on("data", (text: string) => {
            said += text;
          });
        }
        await expect.poll(() => said, { ...WAIT, timeout: 40_000 }).toContain("Ctrl-C stops");
        expect(said.match(/http:\/\/127\.0\.0\.1:\d+\/metrics/g)).toHaveLength(count);
        child.kill("SIGINT");
        expect(await ended).toBe(0);
      } finally {
        // Its brokers end by themselves once it is gone.
        child.kill("SIGKILL");
        await ended;
        await rm(directory, { recursive: true, force: true });
      }
    },
    90_000,
  );
});
