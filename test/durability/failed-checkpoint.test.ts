// The key-value store, which holds the checkpoints, is on a disk of its own here, and that disk fails: nobody knows any
// more what is in it. The process ends, says why in one line, and loses nothing.
import { join } from "node:path";
import { EXIT_FATAL } from "@stratalog/broker";
import { connect } from "@stratalog/client";
import { describe, expect, test } from "vitest";
import { SmallDisk, whyNoSmallDisk } from "../full-disk/small-disk.ts";
import { AcknowledgedLoad, doubled, missing, replayAll } from "../integration/acknowledged-load.ts";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { canRun } from "../skips.ts";

const TOPIC = "orders";
const reason = whyNoSmallDisk();
const runs = canRun({
  need: "root",
  isMet: reason === undefined,
  name: "a key-value store that fails",
  reason: reason ?? "",
});

describe.skipIf(!runs)("a checkpoint that cannot be written", () => {
  test("ends the process with its own exit code; after a start everything acknowledged is there", async () => {
    await using cluster = await ProcessCluster.create({ brokers: 1 });
    const broker = cluster.broker(1);
    using disk = new SmallDisk(join(broker.plan.directory, "data", "kv"), 2);
    await broker.start();
    await using client = connect({ brokers: cluster.addresses });
    await client.admin().createTopic({ name: TOPIC, partitions: 1, replicationFactor: 1 });
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(100);
    disk.fill("other");
    expect(await broker.ended()).toBe(EXIT_FATAL);
    expect(await broker.logTail()).toContain("the key-value store cannot write");
    disk.remove("other");
    await broker.start();
    await load.more(100);
    await load.stop();
    const records = await replayAll(client, TOPIC);
    expect(missing(load.acknowledged, records)).toEqual([]);
    expect(doubled(records)).toEqual([]);
    await broker.kill();
  }, 60_000);
});
