import { type Deferred, deferred, groupNumber } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import type { Frame } from "../ports/frame.ts";
import type { InstalledSnapshot, ProposalResult, RaftGroup } from "../ports/raft-group.ts";
import { HostCluster, RecordingListener } from "../testing/host-cluster.ts";

const GROUP = groupNumber(1);

/** A state machine whose state is the text of all commands. */
class TextMachine extends RecordingListener {
  text = "";
  readonly snapshots: InstalledSnapshot[] = [];
  /** When set, a snapshot counts as stored only once this resolves. */
  storing: Deferred<void> | undefined;

  override onCommitted(frames: readonly Frame[]): void {
    super.onCommitted(frames);
    for (const { payload } of frames) this.text += String.fromCharCode(...payload);
  }

  createSnapshot(): Uint8Array {
    return Uint8Array.from(this.text, (c) => c.charCodeAt(0));
  }

  onSnapshot(snapshot: InstalledSnapshot): void | Promise<void> {
    this.snapshots.push(snapshot);
    this.text = String.fromCharCode(...snapshot.data);
    return this.storing?.promise;
  }
}

function command(group: RaftGroup, value: string): ProposalResult {
  const payload = Uint8Array.from(value, (c) => c.charCodeAt(0));
  return group.propose({ kind: "command", payload, span: 0 });
}

interface Machines {
  readonly cluster: HostCluster;
  readonly machines: Map<number, TextMachine>;
}

function addMachine({ cluster, machines }: Machines, id: number): TextMachine {
  const machine = new TextMachine();
  machines.set(id, machine);
  cluster.addGroupAt(id, 1, { listener: machine, campaignAtOnce: id === 1 });
  return machine;
}

/** Three machines, of which the third missed entries that the others have dropped. */
async function withLaggard(count: number, partBytes = 512 * 1024): Promise<Machines> {
  const cluster = new HostCluster({ limits: { snapshotPartBytes: partBytes } });
  const result: Machines = { cluster, machines: new Map() };
  for (const id of [1, 2, 3]) addMachine(result, id);
  await cluster.until(() => cluster.leaderOf(1) === 1);
  const durable = cluster.crash(3);
  for (let i = 0; i < count; i++) command(cluster.group(1).group, `${i % 10}`);
  const last = cluster.group(1).group.lastIndex;
  await cluster.until(() =>
    [1, 2].every((id) => cluster.group(id).listener.frames.length === last),
  );
  for (const id of [1, 2]) cluster.broker(id).storage.dropPrefix(GROUP, last - 1);
  cluster.startBroker(3, durable);
  return result;
}

describe("RaftHost and snapshots", () => {
  it("brings a follower up by the state machine's state when entries are gone", async () => {
    const test = await withLaggard(30);
    const machine = addMachine(test, 3);
    const { cluster, machines } = test;
    await cluster.until(() => machine.text === machines.get(1)?.text);
    expect(machine.snapshots.map((snapshot) => snapshot.index)).toEqual([31]);
    command(cluster.group(1).group, "after");
    await cluster.until(() => machine.text.endsWith("after"));
    expect(machine.text).toBe(machines.get(2)?.text);
  });

  it("sends a large snapshot in pieces", async () => {
    const test = await withLaggard(100, 7);
    const machine = addMachine(test, 3);
    const before = test.cluster.network.sentCount.bulk;
    await test.cluster.until(() => machine.text.length === 100);
    expect(test.cluster.network.sentCount.bulk - before).toBeGreaterThan(14);
  });

  it("goes on after a lane was full in the middle of a snapshot, and begins anew after a lost connection", async () => {
    const test = await withLaggard(100, 7);
    const { cluster } = test;
    cluster.network.isBulkFull = true;
    const machine = addMachine(test, 3);
    await cluster.time.advanceAsync(1000);
    expect(machine.text).toBe("");
    cluster.network.isBulkFull = false;
    cluster.broker(1).host.onPeerDown(cluster.broker(3).id, "closed");
    await cluster.until(() => machine.text.length === 100);
  });

  it("keeps the log until the listener has stored the snapshot", async () => {
    const test = await withLaggard(30);
    const machine = addMachine(test, 3);
    machine.storing = deferred();
    const { cluster } = test;
    await cluster.until(() => machine.snapshots.length === 1);
    await cluster.time.advanceAsync(2000);
    expect(cluster.broker(3).storage.visibleLog(GROUP).firstIndex).toBe(1);
    machine.storing.resolve();
    await cluster.until(() => cluster.broker(3).storage.durableLog(GROUP).firstIndex > 1);
    command(cluster.group(1).group, "after");
    await cluster.until(() => machine.text.endsWith("after"));
    expect(machine.snapshots).toHaveLength(1);
  });

  it("starts a plain log's follower where the leader's log starts", async () => {
    const cluster = new HostCluster({ residentCount: 2 });
    cluster.addGroup(1);
    await cluster.until(() => cluster.leaderOf(1) === 1);
    const durable = cluster.crash(3);
    const payload = new Uint8Array(3);
    for (let i = 0; i < 20; i++)
      cluster.group(1).group.propose({ kind: "data", payload, span: 10 });
    await cluster.until(() =>
      [1, 2].every((id) => cluster.group(id).listener.frames.length === 21),
    );
    for (const id of [1, 2]) cluster.broker(id).storage.dropPrefix(GROUP, 11);
    cluster.startBroker(3, durable);
    const starts: InstalledSnapshot[] = [];
    const listener = Object.assign(new RecordingListener(), {
      onSnapshot: (snapshot: InstalledSnapshot) => {
        starts.push(snapshot);
      },
    });
    cluster.addGroupAt(3, 1, { listener });
    const received = (): readonly Frame[] => listener.frames.filter((f) => f.kind === "data");
    await cluster.until(() => received().length === 10);
    expect(starts).toMatchObject([{ index: 11, nextOffset: 100 }]);
    expect(received().map((frame) => frame.baseOffset)).toEqual(
      Array.from({ length: 10 }, (_, i) => 100 + i * 10),
    );
  });
});
