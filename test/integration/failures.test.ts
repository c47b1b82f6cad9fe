import { setTimeout as delay } from "node:timers/promises";
import { connect, type Stratalog } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { AcknowledgedLoad, doubled, missing, replayAll } from "./acknowledged-load.ts";
import type { BrokerProcess } from "./broker-process.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { settled } from "./settled.ts";
import { storedRecords } from "./stored-records.ts";

// Processes that are killed, stopped and started under load: what was acknowledged is there, once.

const TOPIC = "orders";
const PARTITIONS = 3;

async function prepare(): Promise<{ cluster: ProcessCluster; client: Stratalog }> {
  const cluster = await ProcessCluster.start({ brokers: 3 });
  const client = connect({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 });
  return { cluster, client };
}

/** The broker that leads most partitions of the topic. */
async function leaderOfMost(client: Stratalog, cluster: ProcessCluster): Promise<BrokerProcess> {
  for (;;) {
    const { partitions } = await client.admin().describeTopic(TOPIC);
    const led = new Map<number, number>();
    for (const { leader } of partitions) {
      if (leader !== undefined) led.set(leader, (led.get(leader) ?? 0) + 1);
    }
    const [most] = [...led].toSorted((a, b) => b[1] - a[1]);
    if (most !== undefined) return cluster.broker(most[0]);
    await delay(20);
  }
}

describe("three brokers under load", () => {
  it("lose nothing when the leader is killed, and go on within seconds", async () => {
    const { cluster, client } = await prepare();
    await using _ = cluster;
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(500);
    const leader = await leaderOfMost(client, cluster);
    load.takeLongestGapMs();
    await leader.kill();
    await load.more(2_000);
    const gapMs = load.takeLongestGapMs();
    await leader.start();
    await load.more(500);
    await load.stop();
    await settled(cluster);
    const records = await replayAll(client, TOPIC);
    await client.close();
    console.log(`longest gap in acknowledged writes at a kill -9: ${Math.round(gapMs)} ms`);
    expect(missing(load.acknowledged, records)).toEqual([]);
    expect(doubled(records)).toEqual([]);
    expect(gapMs).toBeLessThan(5_000);
  }, 60_000);

  it("have every acknowledged record on every replica after all were killed at once", async () => {
    const { cluster, client } = await prepare();
    await using _ = cluster;
    await client.admin().alterConfig(TOPIC, { set: { "retention.ms": "604800000" } });
    const load = new AcknowledgedLoad(client, TOPIC);
    for (const count of [1_000, 3_000]) {
      await load.more(count);
      await Promise.all(cluster.brokers.map((broker) => broker.kill()));
      await cluster.startAll();
    }
    await load.more(1_000);
    await load.stop();
    await settled(cluster);
    const records = await replayAll(client, TOPIC);
    const { config } = await client.admin().describeTopic(TOPIC);
    await client.close();
    expect(missing(load.acknowledged, records)).toEqual([]);
    expect(doubled(records)).toEqual([]);
    expect(config.find(({ name }) => name === "retention.ms")?.value).toBe("604800000");
    await Promise.all(cluster.brokers.map((broker) => broker.kill()));
    for (const { plan } of cluster.brokers) {
      expect(await storedRecords(plan, TOPIC)).toEqual(records);
    }
  }, 90_000);

  it("do not answer for a leader that slept: a replay through any of them has everything", async () => {
    const { cluster, client } = await prepare();
    await using _ = cluster;
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(500);
    const sleeper = await leaderOfMost(client, cluster);
    load.takeLongestGapMs();
    sleeper.signal("SIGSTOP");
    await load.more(2_000);
    const gapMs = load.takeLongestGapMs();
    await load.stop();
    sleeper.signal("SIGCONT");
    console.log(`longest gap in acknowledged writes at a SIGSTOP: ${Math.round(gapMs)} ms`);
    for (const broker of [sleeper, ...cluster.brokers.filter((other) => other !== sleeper)]) {
      await using through = connect({ brokers: [broker.address] });
      const records = await replayAll(through, TOPIC);
      expect(missing(load.acknowledged, records)).toEqual([]);
      expect(doubled(records)).toEqual([]);
    }
    await client.close();
  }, 60_000);
});
