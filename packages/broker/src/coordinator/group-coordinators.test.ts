import { brokerId, type BrokerId } from "@stratalog/base";
import { GROUPS_TOPIC } from "@stratalog/groups";
import { topicByName } from "@stratalog/metadata";
import { beforeEach, describe, expect, it } from "vitest";
import { CoordinatorCluster, OFFSETS_RETENTION_MS } from "./testing/coordinator-cluster.ts";
import { FakeMember } from "./testing/fake-member.ts";

let cluster: CoordinatorCluster;

beforeEach(async () => {
  cluster = new CoordinatorCluster(3);
  cluster.createTopic("orders", 4);
  const found = cluster.broker(1).coordinators.findCoordinator("billing", { timeoutMs: 500 });
  found.catch(() => {});
  await cluster.run(100);
  await cluster.host();
  await cluster.run(50);
  await found;
});

async function coordinatorOf(groupId: string): Promise<BrokerId> {
  const found = cluster.broker(2).coordinators.findCoordinator(groupId, { timeoutMs: 500 });
  await cluster.run(20);
  return found;
}

/** Settles a promise while time passes. */
async function soon<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  await cluster.run(20);
  return answer;
}

async function members(count: number): Promise<FakeMember[]> {
  const all = Array.from({ length: count }, (_, i) => new FakeMember(cluster, "billing", i + 1));
  for (const member of all) await member.join();
  await cluster.run(20);
  return all;
}

async function committedOffset(partition: number): Promise<number | undefined> {
  const { coordinators } = cluster.broker(await coordinatorOf("billing"));
  const wanted = [{ topic: "orders", partitions: [partition] }];
  const offsets = await soon(coordinators.fetchOffsets("billing", wanted));
  return offsets[0]?.offset;
}

describe("GroupCoordinators", () => {
  it("make the groups' topic on first use, with replicas for every broker", () => {
    const topic = topicByName(cluster.view.image, GROUPS_TOPIC);
    expect(topic).toMatchObject({ kind: "coordinator", replicationFactor: 3 });
    expect(topic?.partitions).toHaveLength(2);
  });

  it("welcome members and share out the partitions, moving only what must", async () => {
    const [first, second] = await members(2);
    expect(first!.heard.map(({ type }) => type)).toEqual(["welcome", "assign", "assign", "assign"]);
    expect(first!.owned).toEqual([0, 1]);
    expect(second!.owned).toEqual([2, 3]);
    expect(second!.heard[0]).toMatchObject({ pingIntervalMs: 3_000, sessionTimeoutMs: 45_000 });
  });

  it("give what a member leaves to the others, and let it go", async () => {
    const [first, second] = await members(2);
    second!.leave();
    await cluster.run(20);
    expect(second!.last).toBe("left");
    expect(first!.owned).toEqual([0, 1, 2, 3]);
  });

  it("do not take a broken stream for a leave: who comes back in time keeps what it had", async () => {
    const [first, second] = await members(2);
    const told = first!.heard.length;
    second!.cut();
    await cluster.run(30_000);
    first!.ping();
    await second!.join();
    await cluster.run(30_000);
    expect(second!.owned).toEqual([2, 3]);
    expect(second!.last).toBe("assign");
    expect(first!.heard).toHaveLength(told);
  });

  it("remove a member that shows no sign of life, and tell it when it comes back", async () => {
    const [first, second] = await members(2);
    second!.cut();
    for (let i = 0; i < 20; i++) {
      await cluster.run(3_000);
      first!.ping();
    }
    expect(first!.owned).toEqual([0, 1, 2, 3]);
    await second!.join();
    expect(second!.last).toBe("fenced");
    await second!.join();
    await cluster.run(20);
    expect(second!.owned).toEqual([2, 3]);
  });

  it("remove a member that does not give up what it was told to", async () => {
    const first = new FakeMember(cluster, "billing", 1);
    await first.join();
    await cluster.run(20);
    first.isObedient = false;
    const second = new FakeMember(cluster, "billing", 2);
    await second.join();
    expect(second.owned).toEqual([]);
    for (let i = 0; i < 25; i++) {
      await cluster.run(3_000);
      first.ping();
      second.ping();
    }
    expect(first.last).toBe("fenced");
    expect(second.owned).toEqual([0, 1, 2, 3]);
  });

  it("remove a member that is too long at one record, and refuse its late commit", async () => {
    const [first, second] = await members(2);
    second!.leave();
    await cluster.run(20);
    const slow = new FakeMember(cluster, "billing", 3);
    slow.maxPollIntervalMs = 60_000;
    await slow.join();
    await cluster.run(20);
    expect(slow.owned).toEqual([2, 3]);
    slow.ping(59_999);
    await cluster.run(20);
    expect(slow.last).toBe("assign");
    slow.ping(60_000);
    slow.commit(1, 2, 5);
    await cluster.run(20);
    expect(slow.heard.at(-1)).toMatchObject({ type: "fenced", error: { code: "UNKNOWN_MEMBER" } });
    expect(first!.owned).toEqual([0, 1, 2, 3]);
    expect(await committedOffset(2)).toBe(-1);
  });

  it("give it no more time because others come and go", async () => {
    const [first] = await members(1);
    first!.isObedient = false;
    const third = new FakeMember(cluster, "billing", 3);
    await third.join();
    for (let i = 0; i < 7; i++) {
      for (let pings = 0; pings < 3; pings++) {
        await cluster.run(3_000);
        first!.ping();
      }
      third.leave();
      await cluster.run(20);
      await third.join();
    }
    expect(first!.last).toBe("fenced");
    expect(third.owned).toEqual([0, 1, 2, 3]);
  });

  it("do not repeat an assignment that is on its way", async () => {
    const first = new FakeMember(cluster, "billing", 1);
    await first.join();
    await cluster.run(20);
    first.isObedient = false;
    await new FakeMember(cluster, "billing", 2).join();
    const told = first.heard.length;
    first.reportOnLast([0, 1, 3]);
    await cluster.run(20);
    expect(first.heard).toHaveLength(told);
    first.reportOnLast([0, 1]);
    await cluster.run(20);
    expect(first.heard).toHaveLength(told + 1);
  });

  it("commit offsets of members, and refuse a stranger's", async () => {
    const [first, second] = await members(2);
    first!.commit(7, 0, 41);
    second!.commit(8, 0, 99);
    await cluster.run(20);
    expect(first!.heard.at(-1)).toEqual({ type: "committed", correlation: 7 });
    expect(second!.heard.at(-1)).toMatchObject({
      correlation: 8,
      error: { code: "FENCED_MEMBER_EPOCH" },
    });
    expect(await committedOffset(0)).toBe(41);
    expect(await committedOffset(3)).toBe(-1);
  });

  it("bound the commits of a member that are in flight", async () => {
    const [first] = await members(1);
    for (let i = 0; i < 70; i++) first!.commit(i, 0, i);
    await cluster.run(20);
    const refused = first!.heard.filter((message) => {
      return message.type === "committed" && message.error?.code === "THROTTLED";
    });
    expect(refused).toHaveLength(6);
    expect(await committedOffset(0)).toBe(63);
  });

  it("fail over without moving a partition or losing an offset", async () => {
    const [first, second] = await members(2);
    first!.commit(1, 0, 5);
    await cluster.run(20);
    const before = await coordinatorOf("billing");
    cluster.failOver(before);
    await cluster.run(20);
    expect(first!.last).toBe("moved");
    expect(await coordinatorOf("billing")).not.toBe(before);
    for (const member of [first!, second!]) await member.join();
    await cluster.run(60);
    expect([first!.owned, second!.owned]).toEqual([
      [0, 1],
      [2, 3],
    ]);
    first!.commit(2, 1, 6);
    await cluster.run(20);
    expect(first!.heard.at(-1)).toEqual({ type: "committed", correlation: 2 });
    expect(await committedOffset(0)).toBe(5);
    expect(await committedOffset(1)).toBe(6);
  });

  it("give every member a whole session after a failover", async () => {
    const [first, second] = await members(2);
    await cluster.run(40_000);
    cluster.failOver(await coordinatorOf("billing"));
    await cluster.run(10_000);
    for (const member of [first!, second!]) await member.join();
    expect([first!.owned, second!.owned]).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it("remove members that do not come back after a failover", async () => {
    await members(2);
    cluster.failOver(await coordinatorOf("billing"));
    await cluster.run(50_000);
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    expect(await soon(coordinators.describeGroup("billing"))).toMatchObject({ state: "empty" });
  });

  it("have everything again after all of them restarted", async () => {
    const [first] = await members(1);
    first!.commit(1, 2, 77);
    await cluster.run(20);
    first!.cut();
    for (const broker of cluster.brokers) await cluster.restart(broker);
    cluster.failOver(brokerId(1));
    await cluster.run(20);
    expect(await committedOffset(2)).toBe(77);
    await first!.join();
    expect(first!.owned).toEqual([0, 1, 2, 3]);
    expect(first!.last).toBe("assign");
  });

  it("follow topics that grow, come and go", async () => {
    const [first] = await members(1);
    cluster.change({ type: "add-partitions", name: "orders", partitionCount: 6 });
    await cluster.run(500);
    expect(first!.owned).toEqual([0, 1, 2, 3, 4, 5]);
    first!.commit(1, 5, 9);
    await cluster.run(20);
    cluster.change({ type: "delete-topic", name: "orders" });
    await cluster.run(500);
    expect(first!.owned).toEqual([]);
    cluster.createTopic("orders", 2);
    await cluster.run(500);
    expect(first!.owned).toEqual([0, 1]);
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    expect(await soon(coordinators.fetchOffsets("billing", "all"))).toEqual([]);
  });

  it("follow prefixes, and say which partitions came after the group", async () => {
    const member = new FakeMember(cluster, "billing", 1);
    member.topicPrefixes = ["orders"];
    await member.join();
    await cluster.run(20);
    expect(member.owned).toEqual([0, 1, 2, 3]);
    cluster.change({ type: "add-partitions", name: "orders", partitionCount: 5 });
    cluster.createTopic("orders.late", 1);
    await cluster.run(1_000);
    expect(member.owned).toEqual([0, 1, 2, 3, 4, 0]);
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    const wanted = ["orders", "orders.late"].map((topic) => ({ topic, partitions: [0, 4] }));
    const offsets = await soon(coordinators.fetchOffsets("billing", wanted));
    expect(offsets.map(({ offset }) => offset)).toEqual([-1, -1, -1, -1]);
    expect(offsets.map(({ fromFirst }) => fromFirst)).toEqual([false, true, true, true]);
    const described = await soon(coordinators.describeGroup("billing"));
    expect(described.members[0]).toMatchObject({ topicPrefixes: ["orders"] });
  });

  it("say that there is none as long as its partition has no leader", async () => {
    const empty = new CoordinatorCluster(3);
    const found = empty.broker(1).coordinators.findCoordinator("billing", { timeoutMs: 200 });
    const failed = expect(found).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
    await empty.run(500);
    await failed;
  });

  it("say where the coordinator is when they are not it", async () => {
    const leader = await coordinatorOf("billing");
    const other = cluster.brokers.find(({ id }) => id !== leader)!;
    await expect(soon(other.coordinators.describeGroup("billing"))).rejects.toMatchObject({
      code: "NOT_COORDINATOR",
      details: { leaderId: leader },
    });
    const member = new FakeMember(cluster, "billing", 1);
    member.joinAt(other.id);
    await cluster.run(20);
    expect(member.heard).toMatchObject([{ type: "moved", error: { code: "NOT_COORDINATOR" } }]);
  });

  it("list, describe and delete groups, and take commits by hand", async () => {
    const [first] = await members(1);
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    expect(await soon(coordinators.listGroups())).toContainEqual({
      groupId: "billing",
      state: "stable",
      memberCount: 1,
    });
    expect(await soon(coordinators.describeGroup("billing"))).toMatchObject({
      state: "stable",
      members: [{ memberId: first!.memberId, clientAddress: "127.0.0.1:1" }],
    });
    await expect(soon(coordinators.deleteGroup("billing"))).rejects.toMatchObject({
      code: "GROUP_NOT_EMPTY",
    });
    first!.leave();
    await cluster.run(20);
    const offsets = [{ topic: "orders", partition: 3, offset: 12, metadata: "" }];
    await soon(coordinators.commitOffsets({ groupId: "billing", offsets }));
    expect(await soon(coordinators.fetchOffsets("billing", "all"))).toEqual(offsets);
    await soon(coordinators.deleteGroup("billing"));
    await expect(soon(coordinators.describeGroup("billing"))).rejects.toMatchObject({
      code: "GROUP_NOT_FOUND",
    });
  });

  it("keep a group that nobody uses for the retention of offsets, and no longer", async () => {
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    const offsets = [{ topic: "orders", partition: 3, offset: 12, metadata: "" }];
    await soon(coordinators.commitOffsets({ groupId: "billing", offsets }));
    await cluster.run(OFFSETS_RETENTION_MS - 1_000);
    expect(await soon(coordinators.fetchOffsets("billing", "all"))).toEqual(offsets);
    // They are looked for every ten minutes.
    await cluster.run(1_000 + 600_000);
    expect(await soon(coordinators.listGroups())).toEqual([]);
  });

  it("end a stream that begins with anything but a join, or joins twice", async () => {
    const [first] = await members(1);
    const { coordinators } = cluster.broker(await coordinatorOf("billing"));
    const heard: string[] = [];
    const session = coordinators.openSession(({ type }) => heard.push(type));
    session.handle({ type: "ping", busyMs: 0 });
    session.handle({ type: "ping", busyMs: 0 });
    expect(heard).toEqual(["fenced"]);
    const takenOver = new FakeMember(cluster, "billing", 1);
    await takenOver.join();
    expect(first!.last).toBe("fenced");
    expect(takenOver.owned).toEqual([0, 1, 2, 3]);
    expect(cluster.fatal).toEqual([]);
  });
});
