import { brokerId, CodedError, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore, settle } from "@stratalog/base/testing";
import { beforeEach, describe, expect, it } from "vitest";
import type { Seed } from "../config/broker-config.ts";
import { FakeCallNetwork } from "../controller/testing/fake-call-network.ts";
import type { BrokerIdentity, IdentityStore } from "../directory/broker-identity.ts";
import { Formation, type FormedCluster } from "./formation.ts";

/** A data directory in memory. */
class FakeDirectory implements IdentityStore {
  identity: BrokerIdentity;
  readonly store = new MemoryKeyValueStore();
  /** When set, the process dies before the identity is written. */
  diesBeforeAdopting = false;

  constructor(id: number, life = 1) {
    this.identity = { brokerId: id, directoryId: `directory-${id}-${life}`, clusterId: undefined };
  }

  adoptCluster(clusterId: string): Promise<void> {
    if (this.diesBeforeAdopting) return new Promise(() => {});
    const own = this.identity.clusterId;
    if (own !== undefined && own !== clusterId) {
      return Promise.reject(new CodedError("CLUSTER_ID_MISMATCH", `${own}, not ${clusterId}`));
    }
    this.identity = { ...this.identity, clusterId };
    return Promise.resolve();
  }
}

let time: ManualTime;
let network: FakeCallNetwork;
let mismatches: string[];

beforeEach(() => {
  time = new ManualTime();
  network = new FakeCallNetwork(time);
  mismatches = [];
});

function seed(id: number, port = 9_000 + id): Seed {
  return { brokerId: id, host: "127.0.0.1", port };
}

const THREE = [seed(1), seed(2), seed(3)];

interface Started {
  readonly formation: Formation;
  readonly directory: FakeDirectory;
  cluster: FormedCluster | undefined;
  error: CodedError | undefined;
}

function start(directory: FakeDirectory, seeds: readonly Seed[] = THREE): Started {
  const id = brokerId(directory.identity.brokerId);
  const formation = new Formation({
    identity: directory,
    seeds,
    calls: network.calls(id),
    store: directory.store,
    timers: time,
    random: new SeededRandom(id),
    logger: silentLogger,
    onMismatch: (error) => mismatches.push(error.message),
  });
  const started: Started = { formation, directory, cluster: undefined, error: undefined };
  formation.form().then(
    (cluster) => {
      started.cluster = cluster;
    },
    (error: unknown) => {
      started.error = CodedError.from(error);
    },
  );
  return started;
}

describe("Formation", () => {
  it("of a single broker is at once", async () => {
    const alone = start(new FakeDirectory(1), []);
    await settle();
    expect(alone.cluster).toMatchObject({ voters: [1], isVoter: true });
    expect(alone.directory.identity.clusterId).toBe(alone.cluster?.clusterId);
  });

  it("waits for every seed and then is one cluster, whatever the order of starts", async () => {
    const third = start(new FakeDirectory(3));
    const first = start(new FakeDirectory(1));
    await time.advanceAsync(5_000);
    expect([first.cluster, third.cluster]).toEqual([undefined, undefined]);
    const second = start(new FakeDirectory(2));
    await time.advanceAsync(2_000);
    const ids = [first, second, third].map(({ cluster }) => cluster?.clusterId);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBeDefined();
    expect(second.cluster).toMatchObject({ voters: [1, 2, 3], isVoter: true });
  });

  it("does not begin while lists of seeds differ", async () => {
    const first = start(new FakeDirectory(1));
    const second = start(new FakeDirectory(2));
    const third = start(new FakeDirectory(3), [seed(1), seed(2), seed(3, 9_999)]);
    await time.advanceAsync(5_000);
    expect([first, second, third].map(({ cluster }) => cluster)).toEqual(Array(3).fill(undefined));
  });

  it("is remembered: a broker that starts alone later belongs to the cluster at once", async () => {
    const all = [1, 2, 3].map((id) => start(new FakeDirectory(id)));
    await time.advanceAsync(2_000);
    for (const id of [1, 3]) network.take(brokerId(id));
    const again = start(all[1]!.directory);
    await settle();
    expect(again.cluster).toEqual(all[1]!.cluster);
  });

  it("survives the death of the proposer between its two writes", async () => {
    const directory = new FakeDirectory(1);
    directory.diesBeforeAdopting = true;
    start(directory);
    const second = start(new FakeDirectory(2));
    const third = start(new FakeDirectory(3));
    await time.advanceAsync(2_000);
    expect(second.cluster).toBeUndefined();
    directory.diesBeforeAdopting = false;
    const first = start(directory);
    await time.advanceAsync(2_000);
    const ids = [first, second, third].map(({ cluster }) => cluster?.clusterId);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBeDefined();
  });

  it("never happens again: a wiped seed is refused and forms nothing", async () => {
    const all = [1, 2, 3].map((id) => start(new FakeDirectory(id)));
    await time.advanceAsync(2_000);
    const wiped = start(new FakeDirectory(1, 2));
    await time.advanceAsync(2_000);
    expect(wiped.error).toMatchObject({ code: "DIRECTORY_UNUSABLE" });
    expect(wiped.error?.message).toContain("restore its directory");
    // Alone with another wiped one it waits, because not every seed is without a cluster in its
    // reach.
    network.take(brokerId(3));
    const both = [start(new FakeDirectory(1, 3)), start(new FakeDirectory(2, 3))];
    await time.advanceAsync(5_000);
    expect(both.map(({ cluster }) => cluster)).toEqual([undefined, undefined]);
    expect(all[2]!.cluster).toBeDefined();
  });

  it("lets a broker that is no seed join what the seeds formed, without a vote", async () => {
    const joining = start(new FakeDirectory(7));
    await time.advanceAsync(1_000);
    expect(joining.cluster).toBeUndefined();
    const all = [1, 2, 3].map((id) => start(new FakeDirectory(id)));
    await time.advanceAsync(3_000);
    expect(joining.cluster).toEqual({ ...all[0]!.cluster, isVoter: false });
  });

  it("that lost its record is damage", async () => {
    const directory = new FakeDirectory(1);
    directory.identity = { ...directory.identity, clusterId: "blue" };
    const damaged = start(directory, []);
    await settle();
    expect(damaged.error?.code).toBe("STORAGE_DAMAGED");
  });

  it("ends when the broker stops", async () => {
    const waiting = start(new FakeDirectory(1));
    await time.advanceAsync(500);
    waiting.formation.stop();
    await time.advanceAsync(2_000);
    expect(waiting.error?.code).toBe("CLOSED");
  });

  it("names both clusters when most seeds belong to another one", async () => {
    const all = [1, 2, 3].map((id) => start(new FakeDirectory(id)));
    await time.advanceAsync(2_000);
    const { formation, cluster } = all[2]!;
    const hello = (id: number, clusterId: string | undefined) => ({
      protocolVersion: 1,
      clusterId,
      brokerId: brokerId(id),
      directoryId: "directory",
      incarnation: "life",
    });
    expect(formation.checkHello(hello(1, cluster?.clusterId))).toBeUndefined();
    expect(formation.checkHello(hello(1, undefined))).toBeUndefined();
    expect(formation.checkHello(hello(9, "red"))).toContain("red");
    expect(formation.checkHello(hello(1, "red"))).toContain(String(cluster?.clusterId));
    expect(mismatches).toEqual([]);
    formation.checkHello(hello(2, "red"));
    formation.checkHello(hello(2, "red"));
    expect(mismatches).toHaveLength(1);
    expect(mismatches[0]).toContain("check seeds and data.dir");
  });
});
