import {
  type BrokerId,
  brokerId,
  type GroupNumber,
  groupNumber,
  present,
  type ReplicaEpoch,
  replicaNumber,
  silentLogger,
} from "@stratalog/base";
import {
  type GroupRole,
  type LogStorage,
  PEER_MESSAGE,
  type RaftGroup,
  RaftHost,
} from "@stratalog/raft-host";
import { decodeWireMessages, testHello } from "@stratalog/raft-host/testing";
import type { SimKernel } from "../kernel/sim-kernel.ts";
import { SimNode } from "../kernel/sim-node.ts";
import { SimNetwork } from "../network/sim-network.ts";
import { SimPeerLink } from "../network/sim-peer-link.ts";
import { CommitLedger } from "./commit-ledger.ts";
import { checkLogMatching } from "./log-rules.ts";
import type { SimDisk } from "./sim-disk.ts";
import { createMachine, type MachineState, type MachineWorld } from "./sim-machine.ts";
import { must } from "./violation.ts";
import { WireRules } from "./wire-rules.ts";

/** The shape of a simulated Raft cluster. */
export interface RaftClusterOptions {
  readonly nodeCount: number;
  readonly groupCount: number;
  readonly disk: (node: SimNode) => SimDisk;
}

/** One replica while its process lives. */
export interface SimReplica {
  readonly group: RaftGroup;
  readonly machine: { readonly state: MachineState };
}

/** One machine of the cluster. */
export interface SimMember {
  readonly id: BrokerId;
  readonly node: SimNode;
  readonly disk: SimDisk;
  link: SimPeerLink;
  host: RaftHost | undefined;
  replicas: Map<GroupNumber, SimReplica>;
}

/** Entries between the snapshots of a state machine. */
const SNAPSHOT_ENTRIES = 25;
/** Entries that are kept below a snapshot, so that a slow follower does not need it. */
const KEPT_ENTRIES = 5;

/**
 * Raft hosts as they ship, on simulated machines, with every rule held against what they do. Even
 * groups are state machines with snapshots, odd ones plain logs.
 */
export class RaftCluster {
  readonly kernel: SimKernel;
  readonly network: SimNetwork;
  readonly members: readonly SimMember[];
  readonly groups: readonly GroupNumber[];
  readonly #ledgers = new Map<GroupNumber, CommitLedger>();
  readonly #wire: WireRules;
  readonly #terms = new Map<string, number>();

  constructor(kernel: SimKernel, options: RaftClusterOptions) {
    this.kernel = kernel;
    this.network = new SimNetwork(kernel);
    this.groups = Array.from({ length: options.groupCount }, (_, i) => groupNumber(i));
    this.members = Array.from({ length: options.nodeCount }, (_, i) => {
      const node = new SimNode(kernel, i + 1);
      const link = new SimPeerLink(this.network, node);
      const disk = options.disk(node);
      return { id: brokerId(i + 1), node, disk, link, host: undefined, replicas: new Map() };
    });
    this.#wire = new WireRules((broker, group) =>
      present(this.member(broker).disk.logs(groupNumber(group)), `log of group ${group}`),
    );
    for (const group of this.groups) this.#ledgers.set(group, this.#createLedger(group));
    this.network.tap = (from, to, kind, payload) => this.#checkWire(from, to, kind, payload);
  }

  member(id: number): SimMember {
    return present(this.members[id - 1], `member ${id}`);
  }

  ledger(group: GroupNumber): CommitLedger {
    return present(this.#ledgers.get(group), `ledger of group ${group}`);
  }

  /** The member that leads a group as far as anybody running believes; the newest term wins. */
  leaderOf(group: GroupNumber): SimMember | undefined {
    let found: SimMember | undefined;
    let term = -1;
    for (const member of this.members) {
      const replica = member.replicas.get(group);
      if (member.node.state !== "running" || replica?.group.role !== "leader") continue;
      if (replica.group.term > term) [found, term] = [member, replica.group.term];
    }
    return found;
  }

  /** A process begins on what its disk has. */
  boot(member: SimMember): void {
    const { node, disk, id } = member;
    if (node.state !== "down") return;
    this.kernel.note(`boot ${id}`);
    node.boot();
    const { life } = node;
    disk.boot(this.groups).then(
      (storage) => {
        if (node.life === life && node.state !== "down") this.#start(member, storage);
      },
      (error: unknown) => this.#throwInEvent(error),
    );
  }

  #start(member: SimMember, storage: LogStorage): void {
    const { node, disk, id } = member;
    this.kernel.note(`start ${id}`);
    const link = new SimPeerLink(this.network, node);
    member.link = link;
    link.setHello(testHello(id, `life-${node.life}`));
    link.setPeers(new Map(this.members.map((peer) => [peer.id, { host: "sim", port: peer.id }])));
    const host = new RaftHost({
      brokerId: id,
      clock: node.clock,
      timers: node.timers,
      random: node.random.fork("raft"),
      storage,
      codec: disk.codec,
      peers: link,
      logger: silentLogger,
      limits: { snapshotPartBytes: 5, appendBytesMax: 500, inflightBytesMax: 2000 },
      onGroupFailed: (group, { reason }) => {
        must(false, `no replica stops: group ${group} at ${id}: ${reason}`);
      },
    });
    member.host = host;
    member.replicas = new Map();
    void link.start({
      onMessage: (from, lane, _kind, payload) => host.handlePeerMessage(from, lane, payload),
      onPeerUp: (peer) => host.onPeerUp(peer),
      onPeerDown: (peer, reason) => host.onPeerDown(peer, reason),
      onDrained: (peer, lane) => host.onDrained(peer, lane),
      checkHello: () => undefined,
    });
    host.start();
    for (const group of this.groups) this.#addGroup(member, group);
  }

  /** A process ends without warning. */
  crash(member: SimMember): void {
    if (member.node.state === "down") return;
    this.kernel.note(`crash ${member.id}`);
    member.disk.crash();
    member.node.crash();
    void member.link.stop();
    member.host = undefined;
    member.replicas = new Map();
  }

  /** Holds all logs of all groups against each other. */
  checkLogs(): void {
    for (const group of this.groups) {
      const logs = this.members.flatMap(({ disk }) => disk.logs(group)?.visible ?? []);
      for (const [position, log] of logs.entries()) {
        for (const other of logs.slice(position + 1)) checkLogMatching(group, log, other);
      }
    }
  }

  #addGroup(member: SimMember, group: GroupNumber): void {
    const { disk, id, host } = member;
    const stored = disk.snapshots.get(group);
    this.#wire.checkRecovered(id, group, present(disk.logs(group), "log").visible);
    const isMachine = group % 2 === 0;
    const initial = stored ?? { index: 0, digest: 0 };
    this.ledger(group).compare(id, initial);
    const machine = createMachine(this.#machineWorld(member, group), initial, isMachine);
    const replicas = this.members.map((peer) => replicaOf(peer.id));
    // The order of replicas differs from group to group, and with it who is preferred.
    const shift = group % replicas.length;
    const added = present(host, "host").addGroup({
      group,
      replicas: [...replicas.slice(shift), ...replicas.slice(0, shift)],
      self: replicaOf(id),
      appliedIndex: initial.index,
      listener: machine,
      priority: replicas[shift] === replicaOf(id) ? "preferred" : "normal",
      campaignAtOnce: member.node.life === 1 && replicas[shift] === replicaOf(id),
    });
    member.replicas.set(group, { group: added, machine });
  }

  #machineWorld(member: SimMember, group: GroupNumber): MachineWorld {
    const { id, disk } = member;
    return {
      onRole: (state) => this.#handleRole(member, group, state),
      onCommitted: (frames) => {
        for (const frame of frames) this.ledger(group).deliver(id, frame);
        const last = present(frames[frames.length - 1], "frame");
        this.kernel.note(`commit ${id} ${group} ${last.index}/${last.term}`);
        if (group % 2 === 0) this.#maybeSnapshot(member, group);
      },
      onRestored: (state) => {
        this.kernel.note(`restore ${id} ${group} ${state.index}`);
        this.ledger(group).compare(id, state);
      },
      storeSnapshot: (state) =>
        new Promise((resolve) => {
          disk.snapshots.put(group, state, resolve);
        }),
    };
  }

  /** Now and then a state machine stores its state and drops the log below. */
  #maybeSnapshot(member: SimMember, group: GroupNumber): void {
    const replica = member.replicas.get(group);
    const stored = member.disk.snapshots.get(group)?.index ?? 0;
    if (replica === undefined) return;
    const { state } = replica.machine;
    if (state.index < stored + SNAPSHOT_ENTRIES) return;
    member.disk.snapshots.put(group, state, () => {
      member.disk.dropPrefix(group, state.index - KEPT_ENTRIES);
    });
  }

  #handleRole(member: SimMember, group: GroupNumber, state: GroupRole): void {
    const { id, disk } = member;
    this.kernel.note(`role ${id} ${group} ${state.role} ${state.term} ${state.leader ?? "-"}`);
    const key = `${id} ${group} ${member.node.life}`;
    must(
      (this.#terms.get(key) ?? 0) <= state.term,
      `terms never go back in one life: group ${group} at ${id}`,
    );
    this.#terms.set(key, state.term);
    if (state.leader !== undefined) this.#wire.checkLeader(group, state.term, state.leader);
    if (state.role !== "leader") return;
    const { visible, durable } = present(disk.logs(group), "log");
    must(
      durable === undefined || durable.hardState.term >= state.term,
      `a leader's own term is durable: group ${group} at ${id} leads term ${state.term}`,
    );
    this.ledger(group).checkLeader(replicaOf(id), state.term, visible);
  }

  #checkWire(from: BrokerId, to: BrokerId, kind: number, payload: Uint8Array): void {
    if (kind !== PEER_MESSAGE.raft) return;
    const { codec } = this.member(from).disk;
    for (const { group, message } of decodeWireMessages(payload, codec, { from, to })) {
      // The beats of hosts and their notices promise nothing.
      if (message.type === "beat" || message.type === "beat-answer") continue;
      if (message.type === "stopped") continue;
      this.#wire.check(from, group, message);
    }
  }

  /** A promise's callback cannot throw into the run: an event does. */
  #throwInEvent(error: unknown): void {
    this.kernel.schedule(0, () => {
      throw error;
    });
  }

  #createLedger(group: GroupNumber): CommitLedger {
    return new CommitLedger(group, {
      replicaCount: this.members.length,
      durableCount: (index, term) =>
        this.members.filter(({ disk }) => disk.hasDurable(group, index, term) !== false).length,
    });
  }
}

/** The replica of a broker: the first life of each. */
export function replicaOf(id: BrokerId): number {
  return replicaNumber({ brokerId: id, replicaEpoch: 0 as ReplicaEpoch });
}
