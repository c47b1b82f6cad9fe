import {
  type BrokerId,
  brokerId,
  type GroupNumber,
  groupNumber,
  present,
  type ReplicaEpoch,
  replicaNumber,
  SeededRandom,
  silentLogger,
} from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import type { HostLimits } from "../core/host-limits.ts";
import { RaftHost } from "../io/raft-host.ts";
import type { Frame } from "../ports/frame.ts";
import type { AddGroupOptions, GroupListener, GroupRole, RaftGroup } from "../ports/raft-group.ts";
import type { MemoryLog } from "./memory-log.ts";
import { MemoryLogStorage, type MemoryLogStorageOptions } from "./memory-log-storage.ts";
import { MemoryPeerNetwork } from "./memory-peer-network.ts";
import { plainFrameCodec } from "./plain-frame-codec.ts";

/** Keeps what a group tells its listener. */
export class RecordingListener implements GroupListener {
  readonly frames: Frame[] = [];
  readonly roles: GroupRole[] = [];
  readonly truncations: number[] = [];
  readonly commitIndexes: { readonly index: number; readonly term: number }[] = [];
  durableIndex = 0;

  onCommitted(frames: readonly Frame[]): void {
    this.frames.push(...frames);
  }

  onRole(state: GroupRole): void {
    this.roles.push(state);
  }

  onCommitIndex(index: number, term: number): void {
    this.commitIndexes.push({ index, term });
  }

  onDurable(lastIndex: number): void {
    this.durableIndex = lastIndex;
  }

  onTruncated(fromIndex: number): void {
    this.truncations.push(fromIndex);
  }

  /** Text of the committed data, in order. */
  texts(): readonly string[] {
    const data = this.frames.filter((frame) => frame.kind === "data" || frame.kind === "command");
    return data.map((frame) => String.fromCharCode(...frame.payload));
  }
}

/** One broker of a test cluster: a Raft host on a memory storage. */
export interface TestBroker {
  readonly id: BrokerId;
  readonly storage: MemoryLogStorage;
  readonly host: RaftHost;
  readonly groups: Map<GroupNumber, { group: RaftGroup; listener: RecordingListener }>;
}

/** How a test cluster behaves. */
export interface HostClusterOptions {
  readonly brokerCount?: number;
  readonly syncMs?: number;
  /** How long the disk of a broker takes; undefined: as long as the others'. */
  readonly syncMsOf?: (broker: number) => number | undefined;
  /** Whether a broker stores entries of other leaders. Default always. */
  readonly takesRecords?: (broker: number) => boolean;
  readonly limits?: Partial<HostLimits>;
  readonly residentCount?: number;
  readonly seed?: number;
}

/** The number of a broker's replica in tests: first life. */
export function testReplica(broker: number): number {
  return replicaNumber({ brokerId: brokerId(broker), replicaEpoch: 0 as ReplicaEpoch });
}

/** Brokers with Raft hosts, joined by a memory network, on manual time. */
export class HostCluster {
  readonly time = new ManualTime();
  readonly network = new MemoryPeerNetwork(this.time);
  readonly brokers = new Map<number, TestBroker>();
  readonly #options: HostClusterOptions;
  readonly #random: SeededRandom;

  constructor(options: HostClusterOptions = {}) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ?? 1);
    const count = options.brokerCount ?? 3;
    for (let id = 1; id <= count; id++) this.startBroker(id);
  }

  get replicas(): readonly number[] {
    return Array.from({ length: this.#options.brokerCount ?? 3 }, (_, i) => testReplica(i + 1));
  }

  broker(id: number): TestBroker {
    return present(this.brokers.get(id), `broker ${id}`);
  }

  /** A broker's view of a group. */
  group(id: number, group = 1): { group: RaftGroup; listener: RecordingListener } {
    return present(this.broker(id).groups.get(groupNumber(group)), `group ${group}`);
  }

  /** Starts a broker on what an earlier life left. */
  startBroker(id: number, durable?: MemoryLogStorageOptions["durable"]): TestBroker {
    const { limits, residentCount, syncMsOf, takesRecords, syncMs = 2 } = this.#options;
    const storage = new MemoryLogStorage({
      afterSync: (sync) => this.time.after(syncMsOf?.(id) ?? syncMs, sync),
      afterRead: (read) => this.time.after(1, read),
      ...(residentCount !== undefined && { residentCount }),
      ...(durable !== undefined && { durable }),
    });
    const link = this.network.link(brokerId(id));
    const host = new RaftHost({
      brokerId: brokerId(id),
      clock: this.time,
      timers: this.time,
      random: this.#random,
      storage,
      codec: plainFrameCodec,
      peers: link,
      logger: silentLogger,
      ...(takesRecords !== undefined && { takesRecords: () => takesRecords(id) }),
      ...(limits !== undefined && { limits }),
    });
    void link.start({
      onMessage: (from, lane, _kind, payload) => host.handlePeerMessage(from, lane, payload),
      onPeerUp: (peer) => host.onPeerUp(peer),
      onPeerDown: (peer, reason) => host.onPeerDown(peer, reason),
      onDrained: (peer, lane) => host.onDrained(peer, lane),
      checkHello: () => undefined,
    });
    host.start();
    const broker = { id: brokerId(id), storage, host, groups: new Map() };
    this.brokers.set(id, broker);
    return broker;
  }

  /** Adds a group at one broker. */
  addGroupAt(
    id: number,
    group: number,
    options: Partial<AddGroupOptions> & { readonly listener?: RecordingListener } = {},
  ): void {
    const broker = this.broker(id);
    broker.storage.createGroup(groupNumber(group));
    const listener = options.listener ?? new RecordingListener();
    const added = broker.host.addGroup({
      group: groupNumber(group),
      replicas: this.replicas,
      self: testReplica(id),
      appliedIndex: 0,
      ...options,
      listener,
    });
    broker.groups.set(groupNumber(group), { group: added, listener });
  }

  /** Adds a group everywhere; broker 1 is preferred and campaigns at once. */
  addGroup(group: number): void {
    for (const id of this.brokers.keys()) {
      this.addGroupAt(id, group, {
        priority: id === 1 ? "preferred" : "normal",
        campaignAtOnce: id === 1,
      });
    }
  }

  /** Ends a broker's process, losing what is not durable; answers what is left. */
  crash(id: number): ReadonlyMap<GroupNumber, MemoryLog> {
    const broker = this.broker(id);
    void this.network.node(brokerId(id))?.stop();
    void broker.host.stop();
    this.brokers.delete(id);
    const left = broker.storage.crash();
    this.network.announceDown(brokerId(id), ["closed", "refused"]);
    return left;
  }

  /** The broker that leads a group and may be proposed to. */
  leaderOf(group: number): number | undefined {
    for (const [id, { groups }] of this.brokers) {
      if (groups.get(groupNumber(group))?.group.isLeaderReady === true) return id;
    }
    return undefined;
  }

  /** Lets time pass until the condition holds. */
  async until(condition: () => boolean, limitMs = 10_000): Promise<void> {
    for (let elapsedMs = 0; elapsedMs < limitMs; elapsedMs += 1) {
      if (condition()) return;
      await this.time.advanceAsync(1);
    }
    throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
  }
}
