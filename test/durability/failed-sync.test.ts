// A sync that fails once ends the broker: what it had not synced is not acknowledged by it, ever, and nothing that was
// acknowledged is lost. A second sync that succeeds proves nothing.
import { fileURLToPath } from "node:url";
import { EXIT_FATAL } from "@stratalog/broker";
import { connect } from "@stratalog/client";
import { describe, expect, test } from "vitest";
import { AcknowledgedLoad, doubled, missing, replayAll } from "../integration/acknowledged-load.ts";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { DiskCluster, until, valuesOf } from "./disk-cluster.ts";

const TOPIC = "orders";
const PRELOAD = fileURLToPath(new URL("failing-sync.mjs", import.meta.url));

test("a broker alone whose sync fails acknowledges none of what waited for it", async () => {
  await using cluster = await DiskCluster.start(1);
  const broker = await cluster.createTopic(TOPIC);
  const { disk } = broker.running;
  disk.hold();
  const producer = cluster.client.producer();
  let acknowledged = 0;
  const sends = Array.from({ length: 10 }, async (_, index) => {
    await producer.send({ topic: TOPIC, value: `failed-${index}` });
    acknowledged++;
  });
  const ends = Promise.allSettled(sends);
  await until(() => disk.syncsUnderWay > 0);
  disk.fail();
  await until(() => broker.fatal !== undefined);
  expect(broker.fatal).toBe("the log store cannot write");
  await broker.stop();
  expect(disk.failureCount).toBe(1);
  expect(acknowledged).toBe(0);
  await broker.start();
  expect((await ends).filter(({ status }) => status === "rejected")).toEqual([]);
  const values = await valuesOf(cluster.client, TOPIC);
  expect(values.toSorted()).toEqual(
    ["first", ...sends.map((_, index) => `failed-${index}`)].toSorted(),
  );
});

describe("three brokers under load", () => {
  test.each(["leader", "follower"])(
    "lose nothing when a sync of the %s fails",
    async (whose) => {
      await using cluster = await DiskCluster.start(3);
      const leader = await cluster.createTopic(TOPIC);
      const follower = cluster.brokers.find((broker) => broker !== leader);
      const victim = whose === "leader" ? leader : (follower ?? leader);
      const load = new AcknowledgedLoad(cluster.client, TOPIC);
      await load.more(200);
      victim.running.disk.fail();
      await until(() => victim.fatal !== undefined);
      await load.more(500);
      await victim.stop();
      await victim.start();
      await load.more(200);
      await load.stop();
      const records = await replayAll(cluster.client, TOPIC);
      expect(missing(load.acknowledged, records)).toEqual([]);
      expect(doubled(records)).toEqual([]);
    },
    60_000,
  );

  test("go on without the process whose sync failed; it ends with its own exit code", async () => {
    const options = process.env["NODE_OPTIONS"];
    process.env["NODE_OPTIONS"] = `${options ?? ""} --import ${PRELOAD}`;
    await using cluster = await ProcessCluster.start({ brokers: 3 });
    if (options === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = options;
    await using client = connect({ brokers: cluster.addresses });
    await client.admin().createTopic({ name: TOPIC, partitions: 3, replicationFactor: 3 });
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(300);
    const victim = cluster.broker(2);
    victim.signal("SIGUSR2");
    expect(await victim.ended()).toBe(EXIT_FATAL);
    expect(await victim.logTail()).toContain("the log store cannot write");
    await load.more(300);
    await victim.start();
    await load.more(300);
    await load.stop();
    const records = await replayAll(client, TOPIC);
    expect(missing(load.acknowledged, records)).toEqual([]);
    expect(doubled(records)).toEqual([]);
  }, 60_000);
});
