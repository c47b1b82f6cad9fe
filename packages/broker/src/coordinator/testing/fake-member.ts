import type { CoordinatorMessage, MemberSession, TopicPartitions } from "../../services/ports.ts";
import type { CoordinatorCluster } from "./coordinator-cluster.ts";

/** A consumer in a test: carries out assignments at once and remembers what it was told. */
export class FakeMember {
  readonly memberId: string;
  readonly heard: CoordinatorMessage[] = [];
  readonly #cluster: CoordinatorCluster;
  readonly #groupId: string;
  #session: MemberSession | undefined;
  #memberEpoch = 0;
  #revision = 0;
  #owned: readonly TopicPartitions[] = [];
  topics: readonly string[] = ["orders"];
  topicPrefixes: readonly string[] = [];
  sessionTimeoutMs = 45_000;
  maxPollIntervalMs: number | undefined;
  /** When false, assignments are heard and not carried out. */
  isObedient = true;

  constructor(cluster: CoordinatorCluster, groupId: string, number: number) {
    this.#cluster = cluster;
    this.#groupId = groupId;
    this.memberId = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
  }

  get memberEpoch(): number {
    return this.#memberEpoch;
  }

  /** Partitions of "orders" that it owns. */
  get owned(): number[] {
    return this.#owned.flatMap(({ partitions }) => [...partitions]);
  }

  get last(): string | undefined {
    return this.heard.at(-1)?.type;
  }

  /** Joins at the group's coordinator, anew or with what it owns. */
  async join(): Promise<void> {
    const found = this.#cluster.brokers[0]?.coordinators.findCoordinator(this.#groupId, {
      timeoutMs: 1_000,
    });
    await this.#cluster.run(10);
    const id = await found;
    this.joinAt(id ?? 0);
    await this.#cluster.run(20);
  }

  joinAt(broker: number): void {
    const { coordinators } = this.#cluster.broker(broker);
    const session = coordinators.openSession((message) => this.#hear(session, message));
    this.#session = session;
    session.handle({
      type: "join",
      groupId: this.#groupId,
      memberId: this.memberId,
      memberEpoch: this.#memberEpoch,
      revision: this.#revision,
      topics: this.topics,
      topicPrefixes: this.topicPrefixes,
      sessionTimeoutMs: this.sessionTimeoutMs,
      rebalanceTimeoutMs: 60_000,
      ...(this.maxPollIntervalMs === undefined
        ? {}
        : { maxPollIntervalMs: this.maxPollIntervalMs }),
      owned: this.#owned,
      clientId: "fake",
      clientAddress: "127.0.0.1:1",
    });
  }

  ping(busyMs = 0): void {
    this.#session?.handle({ type: "ping", busyMs });
  }

  commit(correlation: number, partition: number, offset: number): void {
    const offsets = [{ topic: "orders", partition, offset, metadata: "m" }];
    const { memberEpoch } = this;
    this.#session?.handle({ type: "commit", correlation, memberEpoch, offsets });
  }

  leave(): void {
    this.#session?.handle({ type: "leave", keepStatic: false });
  }

  /** The stream breaks. */
  cut(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  /** Says that it carried out the last assignment. */
  report(): void {
    const { memberEpoch } = this;
    const [revision, owned] = [this.#revision, this.#owned];
    this.#session?.handle({ type: "state", memberEpoch, revision, owned });
  }

  /** Says what it owns of "orders" after the last assignment it heard of. */
  reportOnLast(partitions: readonly number[]): void {
    const last = this.heard.findLast((message) => message.type === "assign");
    if (last?.type !== "assign") return;
    const { memberEpoch, revision } = last;
    const owned = [{ topic: "orders", partitions }];
    this.#session?.handle({ type: "state", memberEpoch, revision, owned });
  }

  #hear(session: MemberSession, message: CoordinatorMessage): void {
    if (session !== this.#session) return;
    this.heard.push(message);
    if (message.type === "welcome") this.#memberEpoch = message.memberEpoch;
    if (message.type === "fenced" || message.type === "left") {
      this.#memberEpoch = 0;
      this.#revision = 0;
      this.#owned = [];
    }
    if (message.type !== "assign" || !this.isObedient) return;
    this.#memberEpoch = message.memberEpoch;
    this.#revision = message.revision;
    this.#owned = message.assigned;
    // A stream delivers later: never from inside the sender's turn.
    this.#cluster.time.after(1, () => {
      if (this.#session === session) this.report();
    });
  }
}
