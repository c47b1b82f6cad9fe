// Everything bad that a stranger may send, as data: each must come to a typed error or a clean end,
// cost at most a MiB, change nothing, and be nobody else's trouble. One broker in this process
// takes it all, one entry after the other, while a good client produces.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stratalog/base";
import { type Broker, loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BATCHES } from "./entries/batches.ts";
import { CONNECTIONS } from "./entries/connections.ts";
import { NAMES } from "./entries/names.ts";
import { NUMBERS } from "./entries/numbers.ts";
import { ADDRESSES, PEERS } from "./entries/peers.ts";
import { PROTOBUF } from "./entries/protobuf.ts";
import { isExpected } from "./entry.ts";
import { HealthyClient } from "./healthy-client.ts";
import { extraMiB, heldMiB } from "./memory.ts";
import { Target } from "./target.ts";

const EXTRA_MIB_MAX = 1;
const SECTIONS = [NAMES, NUMBERS, PROTOBUF, BATCHES, CONNECTIONS, PEERS, ADDRESSES];
const ENTRIES = SECTIONS.flat();
/** Short times, so that what waits for them waits for seconds together. */
const SETTINGS = [
  "connection.handshake.timeout.ms=300",
  "peer.handshake.timeout.ms=300",
  "connection.keepalive.interval.ms=500",
  "connection.keepalive.timeout.ms=3000",
  "wal.file.bytes=1048576",
  "log.level=silent",
];

let directory = "";
let broker: Broker;
let healthy: HealthyClient;
let target: Target;
const faults: unknown[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-catalogue-"));
  const ports = ["client", "peer", "http"].map((port) => `listeners.${port}.port=0`);
  const flags = ["node.id=1", `data.dir=${join(directory, "data")}`, ...ports, ...SETTINGS];
  const config = loadBrokerConfig({ flags });
  const onFatal = (reason: string): void => void faults.push(reason);
  broker = await startBroker(nodeEnvironment(config, { logger: silentLogger, onFatal }), config);
  await broker.ready;
  healthy = new HealthyClient(`127.0.0.1:${broker.ports.client}`, "healthy");
  const admin = healthy.client.admin();
  await admin.createTopic({ name: "healthy", partitions: 1 });
  await admin.createTopic({ name: "catalogue", partitions: 2 });
  await admin.createTopic({ name: "cata_logue", partitions: 1 });
  // Answers once both partitions have a leader.
  await admin.listOffsets({ topic: "catalogue", at: "latest" });
  const { clusterId } = await admin.describeCluster();
  target = new Target(broker.ports, clusterId ?? "");
  // The first calls fill caches that are not the attacks' doing.
  for (const entry of [NAMES[0], BATCHES[3], PROTOBUF[0], PEERS[5]]) await entry?.attack(target);
  target.release();
  expect(await healthy.goesOn()).toBe(true);
});

afterAll(async () => {
  await healthy[Symbol.asyncDispose]();
  await broker.stop();
  await rm(directory, { recursive: true, force: true });
});

describe("the catalogue of bad input", () => {
  it("has enough entries, each with a name of its own", () => {
    expect(ENTRIES.length).toBeGreaterThanOrEqual(40);
    expect(new Set(ENTRIES.map(({ id }) => id)).size).toBe(ENTRIES.length);
  });

  it.each(ENTRIES)("$id: $what", async ({ attack, expect: expected }) => {
    const beforeMiB = heldMiB();
    const outcome = await attack(target);
    const extra = await extraMiB(beforeMiB, EXTRA_MIB_MAX);
    target.release();
    expect([outcome, isExpected(outcome, expected)]).toEqual([outcome, true]);
    expect(extra).toBeLessThan(EXTRA_MIB_MAX);
    expect(await healthy.goesOn()).toBe(true);
    expect([faults, healthy.failures]).toEqual([[], []]);
  });

  it("changed nothing", async () => {
    await healthy.stop();
    const admin = healthy.client.admin();
    const topics = (await admin.listTopics()).map(({ name }) => name);
    expect(topics.toSorted()).toEqual(["cata_logue", "catalogue", "healthy"]);
    const values: (string | null)[] = [];
    for await (const record of healthy.client.replay({ topic: "healthy" })) {
      values.push(record.text());
    }
    expect(values).toHaveLength(healthy.count);
    for await (const _ of healthy.client.replay({ topic: "catalogue" })) {
      expect.fail("a record that nobody should have been able to write");
    }
  });
});
