import {
  brokerId,
  type DirectoryId,
  type GroupNumber,
  groupNumber,
  type PartitionNumber,
  type ReplicaEpoch,
  replicaNumber,
  silentLogger,
  type TopicId,
} from "@stratalog/base";
import { ManualTime, settle } from "@stratalog/base/testing";
import { emptyImage, type MetadataImage, type TopicImage } from "@stratalog/metadata";
import { openReplica } from "@stratalog/partition/testing";
import { describe, expect, it } from "vitest";
import type { FoundGroup, HostedDescriptor, HostedLog, HostedReplica } from "./hosting.ts";
import { LeaderTable } from "./leader-table.ts";
import { ReplicaRegistry } from "./replica-registry.ts";

// The registry over a log host, a Raft host and openers that only take notes.

const SELF = brokerId(1);
const DIRECTORY = "directory-1" as DirectoryId;

function topic(name: string, groups: readonly number[], holder = SELF): TopicImage {
  return {
    topicId: `id-${name}` as TopicId,
    name,
    kind: "clients",
    replicationFactor: 1,
    config: {},
    partitions: groups.map((group, index) => ({
      partition: index as PartitionNumber,
      group: groupNumber(group),
      replicas: [{ brokerId: holder, replicaEpoch: 7 as ReplicaEpoch }],
    })),
  };
}

function image(nextGroup: number, ...topics: readonly TopicImage[]): MetadataImage {
  let built = { ...emptyImage(), nextGroup };
  for (const one of topics) {
    built = {
      ...built,
      topics: built.topics.with(one.topicId, one),
      topicIds: built.topicIds.with(one.name, one.topicId),
    };
  }
  return built;
}

/** The same image, in which this broker is registered with a data directory. */
function registered(built: MetadataImage, directoryId: DirectoryId): MetadataImage {
  const registration = {
    brokerId: SELF,
    directoryId,
    incarnation: "start-1",
    brokerEpoch: 1,
    clientListeners: [],
    peerAddress: { host: "127.0.0.1", port: 9103 },
    isFenced: true,
  };
  return { ...built, brokers: new Map([[SELF, registration]]) };
}

async function createFixture(found: readonly FoundGroup[] = []) {
  const time = new ManualTime();
  const { log, raft, replica: service } = await openReplica();
  const notes: string[] = [];
  const stored = new Map<GroupNumber, FoundGroup>(found.map((one) => [one.group, one]));
  const metadata = {
    image: emptyImage(),
    callbacks: new Set<() => void>(),
    onChange(callback: () => void) {
      this.callbacks.add(callback);
      return () => void this.callbacks.delete(callback);
    },
    async become(next: MetadataImage) {
      this.image = next;
      for (const callback of this.callbacks) callback();
      await settle();
    },
  };
  const leaders = new LeaderTable();
  const failing = new Set<string>();
  const replica: HostedReplica = {
    listener: { onCommitted: () => {}, onRole: () => {} },
    appliedIndex: 0,
    service,
    attach: () => {},
    close: (reason) => Promise.resolve(void notes.push(`close ${reason}`)),
  };
  const open = ({ topic: { name } }: { topic: TopicImage }): Promise<HostedReplica> => {
    if (failing.has(name)) return Promise.reject(new Error("no file handles left"));
    notes.push(`open ${name}`);
    return Promise.resolve(replica);
  };
  const hostedLog: HostedLog = Object.assign(log, {
    dropPrefix: () => {},
    segmentBytes: 1_048_576,
    segmentMs: undefined,
  });
  const registry = new ReplicaRegistry({
    broker: SELF,
    directoryId: DIRECTORY,
    metadata,
    logs: {
      groups: () => [...stored.values()],
      createGroup: (descriptor: HostedDescriptor) => {
        const { group } = descriptor;
        if (!stored.has(group)) stored.set(group, { group, descriptor, state: "ready" });
        return Promise.resolve(hostedLog);
      },
      dropGroup: (group) => {
        stored.delete(group);
        return Promise.resolve(void notes.push(`drop ${group}`));
      },
    },
    host: {
      addGroup: (options) => {
        notes.push(`add ${options.group} ${options.priority} ${options.campaignAtOnce}`);
        return Object.assign(raft, {
          status: () => ({ commit: 0, progress: [] }),
          transferLeadership: () => {},
        });
      },
      removeGroup: (group) => Promise.resolve(void notes.push(`remove ${group}`)),
      failGroup: (group) => void notes.push(`fail ${group}`),
      refuseGroup: (group, self) => void notes.push(`refuse ${group} ${self}`),
    },
    openers: { clients: open, coordinator: open },
    leaders,
    onLedGroupsChange: () => {},
    timers: time,
    logger: silentLogger,
  });
  return { registry, metadata, notes, leaders, time, failing, stored };
}

describe("ReplicaRegistry", () => {
  it("hosts what the metadata places here, and deletes what it no longer knows", async () => {
    const { registry, metadata, notes } = await createFixture();
    await registry.start();
    await metadata.become(image(6, topic("orders", [5]), topic("far", [4], brokerId(2))));
    expect(notes).toEqual(["open orders", "add 5 preferred true"]);
    expect(registry.lookup("orders", 0).kind).toBe("local");
    expect(registry.isComplete).toBe(true);
    await metadata.become(image(6));
    expect(notes.slice(2)).toEqual(["remove 5", "close deleted", "drop 5"]);
    expect(registry.lookup("orders", 0)).toEqual({ kind: "unknown" });
  });

  it("opens nothing for a broker that is known by another data directory: it would vote again", async () => {
    const { registry, metadata, notes } = await createFixture();
    await registry.start();
    const orders = image(6, topic("orders", [5]));
    await metadata.become(registered(orders, "directory-lost" as DirectoryId));
    expect(notes).toEqual([]);
    expect(registry.isComplete).toBe(false);
    await metadata.become(registered(orders, DIRECTORY));
    expect(notes).toEqual(["open orders", "add 5 preferred true"]);
  });

  it("knows partitions that live elsewhere by the latest news of their leader", async () => {
    const { registry, metadata, leaders } = await createFixture();
    await registry.start();
    await metadata.become(image(6, topic("far", [4], brokerId(2))));
    const place = { kind: "elsewhere", leader: undefined, leaderEpoch: undefined };
    expect(registry.lookup("far", 0)).toEqual(place);
    leaders.learn(groupNumber(4), { leader: brokerId(2), term: 3 });
    expect(registry.lookup("far", 0)).toEqual({ ...place, leader: 2, leaderEpoch: 3 });
    expect(registry.lookup("far", 1)).toEqual({ kind: "unknown" });
  });

  it("keeps the files of groups that its metadata has not heard of yet", async () => {
    const descriptor = { group: groupNumber(9), kind: "partition", replicaEpoch: 1 } as const;
    const found = { group: groupNumber(9), descriptor, state: "ready" } as const;
    const { registry, metadata, notes } = await createFixture([found]);
    await registry.start();
    await metadata.become(image(9));
    expect(notes).toEqual([]);
    await metadata.become(image(10));
    expect(notes).toEqual(["remove 9", "drop 9"]);
  });

  it("never opens a damaged replica", async () => {
    const descriptor = { group: groupNumber(5), kind: "partition", replicaEpoch: 7 } as const;
    const found = {
      group: groupNumber(5),
      descriptor,
      state: "damaged",
      reason: "bit rot",
    } as const;
    const { registry, metadata, notes } = await createFixture([found]);
    await registry.start();
    await metadata.become(image(6, topic("orders", [5])));
    const self = replicaNumber({ brokerId: SELF, replicaEpoch: 7 as ReplicaEpoch });
    expect(notes).toEqual([`refuse 5 ${self}`]);
    expect([...registry.damaged]).toEqual([[5, "bit rot"]]);
    expect(registry.lookup("orders", 0).kind).toBe("elsewhere");
  });

  it("closes a replica whose group stopped for good, and does not open it again", async () => {
    const { registry, metadata, notes } = await createFixture();
    await registry.start();
    await metadata.become(image(6, topic("orders", [5])));
    await registry.handleFailure(groupNumber(5), "the log diverges");
    expect(notes.slice(2)).toEqual(["fail 5", "remove 5", "close stop"]);
    expect(registry.lookup("orders", 0).kind).toBe("elsewhere");
    expect(registry.damaged.get(groupNumber(5))).toBe("the log diverges");
    await metadata.become(image(7, topic("orders", [5])));
    expect(notes).toHaveLength(5);
  });

  it("tries again what failed, without holding up the rest", async () => {
    const { registry, metadata, notes, failing, time } = await createFixture();
    failing.add("orders");
    await registry.start();
    await metadata.become(image(7, topic("orders", [5]), topic("other", [6])));
    expect(notes).toEqual(["open other", "add 6 preferred true"]);
    expect(registry.isComplete).toBe(false);
    failing.clear();
    await time.advanceAsync(1_100);
    await settle();
    expect(notes.slice(2)).toEqual(["open orders", "add 5 preferred true"]);
  });

  it("closes its replicas at a stop and keeps their files", async () => {
    const { registry, metadata, notes, stored } = await createFixture();
    await registry.start();
    await metadata.become(image(6, topic("orders", [5])));
    await registry.stop();
    expect(notes.slice(2)).toEqual(["close stop"]);
    expect(stored.size).toBe(1);
    await metadata.become(image(6));
    expect(stored.size).toBe(1);
  });
});
