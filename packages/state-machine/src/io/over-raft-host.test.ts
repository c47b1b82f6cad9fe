import { groupNumber, SeededRandom, silentLogger } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { HostCluster } from "@stratalog/raft-host/testing";
import { describe, expect, it } from "vitest";
import {
  type AddCommand,
  type Added,
  type Counter,
  counterMachine,
} from "../testing/counter-machine.ts";
import { ReplicatedStateMachine } from "./replicated-state-machine.ts";

// The real Raft host on memory disks and a memory network: what the fake group of the other tests
// promises must be true.

const GROUP = groupNumber(1);

type CounterReplica = ReplicatedStateMachine<Counter, AddCommand, Added, number>;

class CounterCluster {
  readonly hosts = new HostCluster();
  readonly stores = new Map<number, MemoryKeyValueStore>();
  readonly machines = new Map<number, CounterReplica>();
  readonly fatal: Error[] = [];

  async open(id: number): Promise<CounterReplica> {
    const { time } = this.hosts;
    const { storage, host } = this.hosts.broker(id);
    storage.createGroup(GROUP);
    const store = this.stores.get(id) ?? new MemoryKeyValueStore();
    this.stores.set(id, store);
    const machine: CounterReplica = await ReplicatedStateMachine.open({
      definition: counterMachine,
      store,
      keyPrefix: "machine",
      clock: time,
      timers: time,
      random: new SeededRandom(id),
      logger: silentLogger,
      dropLogPrefix: (index) => storage.dropPrefix(GROUP, index),
      onFatal: (error) => this.fatal.push(error),
      limits: { snapshotEntries: 10, logMarginEntries: 2 },
    });
    const group = host.addGroup({
      group: GROUP,
      replicas: this.hosts.replicas,
      self: this.hosts.replicas[id - 1] ?? 0,
      appliedIndex: machine.appliedIndex,
      listener: machine,
      campaignAtOnce: id === 1,
    });
    machine.attach(group);
    this.machines.set(id, machine);
    return machine;
  }

  machine(id: number): CounterReplica {
    const found = this.machines.get(id);
    if (found === undefined) throw new Error(`no machine ${id}`);
    return found;
  }

  leader(): CounterReplica | undefined {
    return [...this.machines.values()].find((machine) => machine.isLeader);
  }

  async leaderSoon(): Promise<CounterReplica> {
    await this.hosts.until(() => this.leader() !== undefined);
    return this.leader() ?? this.machine(1);
  }

  /** Ends a broker's process; what survives is what its disk and store have synced. */
  crash(id: number): () => void {
    this.machines.delete(id);
    const durable = this.hosts.crash(id);
    const store = this.stores.get(id)?.crash() ?? new MemoryKeyValueStore();
    this.stores.set(id, store);
    return () => this.hosts.startBroker(id, durable);
  }

  /** Adds one, `count` times over, each answered before the next is asked. */
  async add(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const machine = await this.leaderSoon();
      let isAnswered = false;
      void machine.submit({ add: 1 }).then(() => {
        isAnswered = true;
      });
      await this.hosts.until(() => isAnswered);
    }
  }
}

async function startThree(): Promise<CounterCluster> {
  const cluster = new CounterCluster();
  for (const id of [1, 2, 3]) await cluster.open(id);
  return cluster;
}

describe("ReplicatedStateMachine over raft-host", () => {
  it("carries out commands, answers reads and agrees everywhere", async () => {
    const cluster = await startThree();
    await cluster.add(7);
    const leader = await cluster.leaderSoon();
    let read: Counter | undefined;
    void leader.read().then((state) => {
      read = state;
    });
    await cluster.hosts.until(() => read !== undefined);
    expect(read).toEqual({ sum: 7, changes: 7 });
    await cluster.hosts.until(() => [1, 2, 3].every((id) => cluster.machine(id).state.sum === 7));
  });

  it("goes on after the leader's death with everything that was answered", async () => {
    const cluster = await startThree();
    await cluster.add(5);
    const start = cluster.crash(1);
    await cluster.add(5);
    start();
    await cluster.open(1);
    await cluster.hosts.until(() => [1, 2, 3].every((id) => cluster.machine(id).state.sum === 10));
  });

  it("brings a replica up from a snapshot when the entries it misses are gone", async () => {
    const cluster = await startThree();
    await cluster.add(3);
    const start = cluster.crash(3);
    await cluster.add(40);
    expect(cluster.hosts.broker(1).storage.visibleLog(GROUP).firstIndex).toBeGreaterThan(10);
    start();
    const behind = await cluster.open(3);
    await cluster.hosts.until(() => behind.state.sum === 43);
    await cluster.add(2);
    await cluster.hosts.until(() => behind.state.sum === 45);
    const again = cluster.crash(3);
    again();
    const restarted = await cluster.open(3);
    expect(restarted.appliedIndex).toBeGreaterThan(10);
    await cluster.hosts.until(() => restarted.state.sum === 45);
    expect(cluster.fatal).toEqual([]);
  });

  it("has everything again after all replicas died at once", async () => {
    const cluster = await startThree();
    await cluster.add(25);
    const starts = [1, 2, 3].map((id) => cluster.crash(id));
    for (const start of starts) start();
    for (const id of [1, 2, 3]) await cluster.open(id);
    await cluster.add(1);
    await cluster.hosts.until(() => [1, 2, 3].every((id) => cluster.machine(id).state.sum === 26));
    expect(cluster.fatal).toEqual([]);
  });
});
