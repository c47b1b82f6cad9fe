// An acknowledgement needs the syncs of a majority, and no more than those.
import type { Producer } from "@stratalog/client";
import { describe, expect, test } from "vitest";
import { DiskCluster, until, valuesOf } from "./disk-cluster.ts";

const TOPIC = "orders";
const SYNC_MS = 300;

/** Sends records one after the other; gives how long each acknowledgement took. */
async function sendInTurn(producer: Producer, tag: string, count: number): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let sent = 0; sent < count; sent++) {
    const startMs = performance.now();
    await producer.send({ topic: TOPIC, value: `${tag}-${sent}` });
    durationsMs.push(performance.now() - startMs);
  }
  return durationsMs;
}

describe("a topic with three replicas", () => {
  test("is acknowledged only after the slow syncs when two of three disks are slow", async () => {
    await using cluster = await DiskCluster.start(3);
    const leader = await cluster.createTopic(TOPIC);
    const followers = cluster.brokers.filter((broker) => broker !== leader);
    const producer = cluster.client.producer();
    await producer.send({ topic: TOPIC, value: "warm" });
    for (const { disk } of followers) disk?.slow(SYNC_MS);
    const withFastLeader = await sendInTurn(producer, "followers", 3);
    followers[0]?.disk?.heal();
    leader.disk?.slow(SYNC_MS);
    const withSlowLeader = await sendInTurn(producer, "leader", 3);
    const shortestMs = Math.min(...withFastLeader, ...withSlowLeader);
    console.log(
      `two of three syncs take ${SYNC_MS} ms: answers from ${shortestMs.toFixed(1)} ms on`,
    );
    expect(shortestMs).toBeGreaterThanOrEqual(SYNC_MS);
    const sent = ["followers-0", "followers-1", "followers-2", "leader-0", "leader-1", "leader-2"];
    expect(await valuesOf(cluster.client, TOPIC)).toEqual(["first", "warm", ...sent]);
  });

  test.each(["follower", "leader"])(
    "is acknowledged as ever while the disk of the %s does not answer",
    async (whose) => {
      await using cluster = await DiskCluster.start(3);
      const leader = await cluster.createTopic(TOPIC);
      const follower = cluster.brokers.find((broker) => broker !== leader) ?? leader;
      const { disk } = (whose === "leader" ? leader : follower).running;
      disk.hold();
      const producer = cluster.client.producer();
      await sendInTurn(producer, "held", 20);
      // Twenty came while one and the same sync was not answered.
      expect(disk.syncsUnderWay).toBeGreaterThan(0);
      // A leader whose disk is stuck gives its place away.
      await until(async () => whose === "follower" || (await cluster.leaderOf(TOPIC)) !== leader);
      expect(disk.syncsUnderWay).toBeGreaterThan(0);
      disk.heal();
      await until(() => disk.syncsUnderWay === 0);
      expect(await valuesOf(cluster.client, TOPIC)).toHaveLength(21);
    },
  );
});

test("a broker alone acknowledges nothing that its disk has not synced", async () => {
  await using cluster = await DiskCluster.start(1);
  const broker = await cluster.createTopic(TOPIC);
  const { disk } = broker.running;
  disk.hold();
  const producer = cluster.client.producer();
  let acknowledged = 0;
  const sends = Array.from({ length: 10 }, async (_, index) => {
    await producer.send({ topic: TOPIC, value: `held-${index}` });
    acknowledged++;
  });
  await until(() => disk.syncsUnderWay > 0);
  // A reader that sees everything there is sees none of them: they are not committed.
  expect(await valuesOf(cluster.client, TOPIC)).toEqual(["first"]);
  expect(acknowledged).toBe(0);
  disk.heal();
  await Promise.all(sends);
  expect(await valuesOf(cluster.client, TOPIC)).toHaveLength(11);
});
