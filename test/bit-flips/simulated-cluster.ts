import { type BrokerId, CodedError, decodeUtf8, encodeUtf8, type TopicId } from "@stratalog/base";
import { settle } from "@stratalog/base/testing";
import { frameCodec } from "@stratalog/log-store";
import { PEER_MESSAGE } from "@stratalog/raft-host";
import { decodeWireMessages } from "@stratalog/raft-host/testing";
import { BatchBuilder, decodeBatch } from "@stratalog/record-batch";
import { SimKernel, SimNetwork } from "@stratalog/simulator";
import { type ClientDoor, type MachineDisk, SimulatedMachine } from "./simulated-machine.ts";

type LookedUp = ReturnType<ClientDoor["replicas"]["lookup"]>;
/** One partition where it is served. */
export type Partition = (LookedUp & { readonly kind: "local" })["replica"];

const TOPIC = "orders";
/** The partitions of the one topic. */
export const PARTITIONS: readonly number[] = [0, 1];
/** Longest simulated time in which a cluster with a majority has to have done anything at all. */
const PATIENCE_MS = 60_000;
const CALL_MS = 5_000;
const SILENT_AFTER_MS = 5;
/** The beats of hosts, and that a replica is gone. */
const PROMISES_NOTHING: ReadonlySet<string> = new Set(["beat", "beat-answer", "stopped"]);

/** Brokers of one cluster in a world of their own, with time that passes as fast as it can. */
export class SimulatedCluster {
  readonly kernel: SimKernel;
  readonly machines: readonly SimulatedMachine[];
  /** What damaged replicas said to others though they must be silent. */
  readonly promises: string[] = [];

  constructor(seed: number, count: number) {
    this.kernel = new SimKernel(seed);
    const network = new SimNetwork(this.kernel);
    network.tap = (from, to, kind, payload) => {
      if (kind === PEER_MESSAGE.raft) this.#hear(from, to, payload);
    };
    this.machines = Array.from(
      { length: count },
      (_, at) => new SimulatedMachine({ id: at + 1, count, kernel: this.kernel, network }),
    );
  }

  /** A replica that is known to be damaged votes for nobody, leads nothing, acknowledges nothing. */
  #hear(from: BrokerId, to: BrokerId, payload: Uint8Array): void {
    const damaged = this.machines[from - 1]?.damagedGroups;
    if (damaged === undefined || damaged.size === 0) return;
    for (const { group, message } of decodeWireMessages(payload, frameCodec, { from, to })) {
      const sinceMs = damaged.get(group);
      // What left in the turn of the finding was on its way.
      if (sinceMs === undefined || PROMISES_NOTHING.has(message.type)) continue;
      if (this.kernel.monotonicMs() <= sinceMs + SILENT_AFTER_MS) continue;
      this.promises.push(`broker ${from} sent ${message.type} for its damaged group ${group}`);
    }
  }

  boot(disks: readonly MachineDisk[]): void {
    for (const [at, machine] of this.machines.entries()) {
      const disk = disks[at];
      if (disk !== undefined) machine.boot(disk);
    }
  }

  /** Lets time pass until a condition holds; false when it does not come to hold. */
  async until(condition: () => boolean, patienceMs = PATIENCE_MS): Promise<boolean> {
    // What was begun outside of the events of the kernel goes first.
    await settle();
    return this.kernel.run(patienceMs, condition);
  }

  /** Lets time pass until a promise is settled. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const watched = work.finally(() => {
      isSettled = true;
    });
    watched.catch(() => {});
    if (!(await this.until(() => isSettled))) throw new Error("nothing happens any more");
    return watched;
  }

  /** The replica that leads a partition, once one does. */
  async leader(partition: number): Promise<Partition> {
    let found: Partition | undefined;
    const isThere = await this.until(() => {
      found = this.#leaderNow(partition);
      return found !== undefined;
    });
    if (!isThere || found === undefined) throw new Error(`nobody leads partition ${partition}`);
    return found;
  }

  #leaderNow(partition: number): Partition | undefined {
    for (const { door, isReady } of this.machines) {
      const place = isReady ? door?.replicas.lookup(TOPIC, partition) : undefined;
      if (place?.kind === "local" && place.replica.isLeader) return place.replica;
    }
    return undefined;
  }

  /** Number of the broker that leads a partition now. */
  leaderId(partition: number): number | undefined {
    const leader = this.#leaderNow(partition);
    return this.machines.find(({ door }) => {
      const place = door?.replicas.lookup(TOPIC, partition);
      return place?.kind === "local" && place.replica === leader;
    })?.id;
  }

  async createTopic(): Promise<void> {
    const topicId = "3f6a0a3e-0000-4000-8000-000000000001" as TopicId;
    const command = { type: "create-topic", topicId, name: TOPIC, config: {} } as const;
    const { door } = this.machines[0] ?? {};
    if (door === undefined) throw new Error("no broker runs");
    const request = { ...command, partitionCount: PARTITIONS.length };
    await this.settled(door.controller.submit(request, { timeoutMs: CALL_MS }));
  }

  /** Tries a call at the leader until it passes, as a client does. */
  async retried<T>(partition: number, call: (leader: Partition) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.settled(call(await this.leader(partition)));
      } catch (error) {
        if (!CodedError.is(error) || !error.retriable || attempt > 100) throw error;
        await this.until(() => false, 200);
      }
    }
  }

  /** Stores records on a majority, one batch each. */
  async produce(partition: number, values: readonly string[]): Promise<void> {
    for (const value of values) {
      await this.retried(partition, (leader) => {
        const builder = new BatchBuilder();
        builder.append({ key: null, value: encodeUtf8(value), timestampMs: 1_000 });
        return leader.produce({ batch: builder.build(), acks: "all", timeoutMs: CALL_MS });
      });
    }
  }

  /** All values of a partition, as its leader serves them. */
  async read(partition: number): Promise<readonly string[]> {
    return this.retried(partition, async (leader) => {
      const values: string[] = [];
      let offset = leader.logStartOffset;
      while (offset < leader.highWatermark) {
        const request = { offset, maxBytes: 4_000, minBytes: 1, maxWaitMs: 0 };
        const { batches, nextOffset } = await leader.fetch(request);
        if (nextOffset === offset) throw new Error(`nothing at offset ${offset}`);
        for (const batch of batches) {
          for (const record of decodeBatch(batch)) {
            if (record.value !== null) values.push(decodeUtf8(record.value));
          }
        }
        offset = nextOffset;
      }
      return values;
    });
  }
}
