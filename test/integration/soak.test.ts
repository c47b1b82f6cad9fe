import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@stratalog/base";
import { connect } from "@stratalog/client";
import { expect, it } from "vitest";
import { AcknowledgedLoad, doubled, missing, replayAll } from "./acknowledged-load.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { settled } from "./settled.ts";
import { storedRecords } from "./stored-records.ts";

// Faults drawn at random, one after the other, under load; then everything that was acknowledged is
// looked for, through the brokers and on each of their disks. `STRATALOG_SOAK_SECONDS` makes it
// longer, `STRATALOG_SOAK_SEED` draws the same faults again (not their timing: these are processes).

const TOPIC = "orders";
const SECONDS = Number(process.env["STRATALOG_SOAK_SECONDS"] ?? 8);
const SEED = Number(process.env["STRATALOG_SOAK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

const FAULTS = ["kill", "pause", "restart", "kill two", "kill all"] as const;

async function inflict(
  fault: (typeof FAULTS)[number],
  cluster: ProcessCluster,
  random: SeededRandom,
): Promise<void> {
  const first = random.below(cluster.brokers.length);
  const some = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const { id } = cluster.brokers[(first + index) % cluster.brokers.length]?.plan ?? { id: 0 };
      return cluster.broker(id);
    });
  const killed = { kill: 1, "kill two": 2, "kill all": 3 };
  switch (fault) {
    case "pause":
      some(1)[0]?.signal("SIGSTOP");
      await delay(random.below(4_000));
      some(1)[0]?.signal("SIGCONT");
      return;
    case "restart":
      await some(1)[0]?.stop();
      await some(1)[0]?.start();
      return;
    case "kill":
    case "kill two":
    case "kill all": {
      const brokers = some(killed[fault]);
      await Promise.all(brokers.map((broker) => broker.kill()));
      await delay(random.below(1_500));
      await Promise.all(brokers.map((broker) => broker.start()));
      return;
    }
  }
}

it(
  `loses and doubles nothing under random faults (seed ${SEED})`,
  async () => {
    const settings = { "segment.bytes": 1024 * 1024 };
    await using cluster = await ProcessCluster.start({ brokers: 3, settings });
    const client = connect({ brokers: cluster.addresses });
    await client.admin().createTopic({ name: TOPIC, partitions: 4, replicationFactor: 3 });
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(500);
    const random = new SeededRandom(SEED);
    const endMs = performance.now() + SECONDS * 1_000;
    while (performance.now() < endMs) {
      const fault = FAULTS[random.below(FAULTS.length)] ?? "kill";
      await inflict(fault, cluster, random);
      await load.more(100, 30_000);
    }
    await load.stop();
    await settled(cluster);
    const records = await replayAll(client, TOPIC);
    await client.close();
    expect(missing(load.acknowledged, records)).toEqual([]);
    expect(doubled(records)).toEqual([]);
    await Promise.all(cluster.brokers.map((broker) => broker.kill()));
    for (const { plan } of cluster.brokers) {
      expect(missing(load.acknowledged, await storedRecords(plan, TOPIC))).toEqual([]);
    }
  },
  (SECONDS + 120) * 1_000,
);
