import type { Stratalog } from "@stratalog/client";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { strata } from "../tour/strata-process.ts";

// What people do to groups from outside: lag, offsets set anew, deletion, by the SDK and by `strata`.

const TOPIC = "orders";
const GROUP = "billing";

let cluster: TestCluster;
let log: Stratalog;

beforeAll(async () => {
  cluster = await startTestCluster();
  log = cluster.connect();
  await log.admin().createTopic({ name: TOPIC, partitions: 2 });
  const producer = log.producer();
  for (let index = 0; index < 20; index++) {
    const timestamp = 1_700_000_000_000 + index * 1_000;
    await producer.send({ topic: TOPIC, partition: index % 2, value: `${index}`, timestamp });
  }
});

afterAll(async () => {
  await log.close();
  await cluster.stop();
});

/** Runs `strata` against the cluster. */
function run(...args: readonly string[]) {
  return strata(args, { env: { STRATALOG_BROKERS: cluster.addresses.join(",") } });
}

/** Where the group goes on, by partition. */
async function committed(): Promise<readonly bigint[]> {
  const { offsets } = await log.admin().describeGroup(GROUP);
  return offsets.map(({ offset }) => offset);
}

describe("offsets of a group", () => {
  it("have a text beside them that a member or anybody may give", async () => {
    const place = { topic: TOPIC, partition: 0 };
    await using member = log.consumer({ group: "audit", topics: [TOPIC], commit: "manual" });
    member[Symbol.asyncIterator]()
      .next()
      .catch(() => {});
    await expect.poll(() => member.assignment.length).toBe(2);
    await member.commit([{ ...place, offset: 4n, metadata: "sum 17" }]);
    const offsetsOf = async () => (await log.admin().describeGroup("audit")).offsets;
    expect(await offsetsOf()).toContainEqual({ ...place, offset: 4n, metadata: "sum 17" });
    await member.close();
    await log.admin().commitOffsets("audit", [{ ...place, offset: 5, metadata: "sum 23" }]);
    expect(await offsetsOf()).toContainEqual({ ...place, offset: 5n, metadata: "sum 23" });
    await log.admin().deleteGroup("audit");
  });

  it("are set by rule, offset, time and shift, and the group need not exist before", async () => {
    const admin = log.admin();
    await expect(admin.planOffsetReset(GROUP, { to: "earliest" })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
    const topics = [TOPIC];
    const plan = await admin.planOffsetReset(GROUP, { to: "latest", topics });
    expect(plan[0]).toEqual({ topic: TOPIC, partition: 0, from: undefined, to: 10n, lag: 0n });
    await expect(admin.describeGroup(GROUP)).rejects.toMatchObject({ code: "GROUP_NOT_FOUND" });
    await expect(admin.planOffsetReset(GROUP, { to: { shift: 1 }, topics })).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
    expect(await admin.resetOffsets(GROUP, { to: "latest", topics })).toEqual(plan);
    expect(await committed()).toEqual([10n, 10n]);
    await admin.resetOffsets(GROUP, { to: { shift: -3 } });
    expect(await committed()).toEqual([7n, 7n]);
    await admin.resetOffsets(GROUP, { to: { offset: 99n }, topics, partitions: [1] });
    expect(await committed()).toEqual([7n, 10n]);
    const to = { timestamp: new Date(1_700_000_005_000) };
    expect(await admin.resetOffsets(GROUP, { to })).toMatchObject([
      { from: 7n, to: 3n, lag: 7n },
      { from: 10n, to: 2n, lag: 8n },
    ]);
    const [ours] = (await admin.describeGroup(GROUP)).offsets;
    expect(ours).toEqual({ topic: TOPIC, partition: 0, offset: 3n, metadata: "" });
    expect(await admin.groupLag(GROUP)).toMatchObject([
      { partition: 0, memberId: undefined, committed: 3n, end: 10n, lag: 7n },
      { partition: 1, committed: 2n, end: 10n, lag: 8n },
    ]);
  });

  it("are not set, nor the group deleted, while it has members", async () => {
    const consumer = log.consumer({ group: GROUP, topics: [TOPIC] });
    const records = consumer[Symbol.asyncIterator]();
    await records.next();
    const admin = log.admin();
    const refused = { code: "GROUP_NOT_EMPTY" };
    await expect(admin.planOffsetReset(GROUP, { to: "earliest" })).rejects.toMatchObject(refused);
    await expect(admin.resetOffsets(GROUP, { to: "earliest" })).rejects.toMatchObject(refused);
    await expect(admin.deleteGroup(GROUP)).rejects.toMatchObject(refused);
    const [first] = await admin.groupLag(GROUP);
    expect(first?.clientId).toBe("stratalog-client");
    await consumer.close();
  });

  it("are shown, planned, set and deleted by strata", async () => {
    await log.admin().resetOffsets(GROUP, { to: { offset: 4 } });
    const planned = await run("groups", "reset-offsets", GROUP, "--to", "start");
    expect(planned).toMatchObject({ code: 0 });
    expect(planned.stdout).toMatch(/TOPIC +PARTITION +FROM +TO +LAG\norders +0 +4 +0 +10\n/);
    expect(planned.stderr).toContain("add --execute");
    expect(await committed()).toEqual([4n, 4n]);
    const flags = ["--shift", "-1", "--topic", TOPIC, "--partition", "1", "--execute"];
    const shifted = await run("group", "reset-offsets", GROUP, ...flags, "-o", "json");
    expect(JSON.parse(shifted.stdout)).toEqual({
      executed: true,
      partitions: [{ topic: TOPIC, partition: 1, from: "4", to: "3", lag: "7" }],
    });
    const described = await run("group", "describe", GROUP);
    expect(described.stdout).toMatch(/^billing: empty, 0 members, .*, lag 13\n/);
    expect(described.stdout).toMatch(/orders +1 +- +3 +10 +7/);
    expect((await run("group", "list")).stdout).toMatch(/billing +empty +0/);
    expect((await run("group", "delete", GROUP)).code).toBe(2);
    expect(await run("group", "delete", GROUP, "--yes")).toMatchObject({ code: 0 });
    expect((await run("group", "describe", GROUP)).code).toBe(3);
  }, 60_000);
});
