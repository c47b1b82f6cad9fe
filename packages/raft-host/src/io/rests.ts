import { type BrokerId, present, replicaIdentity, replicaNumber } from "@stratalog/base";
import type { ReplicaEpoch } from "@stratalog/base";
import type { LinkBeat } from "../core/wire-message.ts";
import type { HostedGroup } from "./hosted-group.ts";

/** What the rests of a host need. */
export interface RestsOptions {
  readonly brokerId: BrokerId;
  /** Ticks between beats. */
  readonly heartbeatTicks: number;
  /** Ticks without a beat, or without an answer, after which groups on that link wake up. */
  readonly silenceTicks: number;
  readonly send: (to: BrokerId, beat: LinkBeat) => void;
  readonly markDirty: (group: HostedGroup) => void;
}

/** What rests on the link to one broker. */
interface Link {
  /** Groups that are led here and whose follower there rests. */
  readonly led: Set<HostedGroup>;
  /** Groups that rest here and are led there. */
  readonly followed: Set<HostedGroup>;
  heardTick: number;
  answeredTick: number;
  /** The next beat says that groups rest no more that could not say so themselves. */
  isReset: boolean;
}

/**
 * Groups in which nothing happens, without ticks and heartbeats of their own: one beat per link
 * stands for the heartbeats of all groups that rest on it, and its answer for their answers. Any
 * message for a group, any call that changes it and any trouble on its link wakes it up.
 *
 * Only liveness rests on this. A group that wakes when its leader still rests asks for votes after
 * its election timeout, which wakes the leader, and the pre-vote is refused: nobody is deposed.
 */
export class Rests {
  readonly #options: RestsOptions;
  readonly #links = new Map<BrokerId, Link>();
  readonly #awake = new Set<HostedGroup>();
  /** Groups that rest without anybody else: this replica is the only one. */
  readonly #alone = new Set<HostedGroup>();
  #tickCount = 0;

  constructor(options: RestsOptions) {
    this.#options = options;
  }

  /** Groups that need ticks. */
  get awake(): Iterable<HostedGroup> {
    return this.#awake;
  }

  /** Groups that rest here, leading or following. */
  get restingCount(): number {
    const resting = new Set<HostedGroup>(this.#alone);
    for (const { led, followed } of this.#links.values()) {
      for (const group of [...led, ...followed]) resting.add(group);
    }
    return resting.size;
  }

  /** A group came to this host. */
  add(group: HostedGroup): void {
    this.#awake.add(group);
  }

  /** A group is gone from this host or failed. Those who rest under it learn it by a reset. */
  drop(group: HostedGroup): void {
    for (const link of this.#links.values()) {
      if (!link.led.has(group)) continue;
      link.isReset = true;
      this.#wakeAll(link.led);
    }
    this.wake(group);
    this.#awake.delete(group);
  }

  /** This replica agreed to rest under its leader. */
  follow(group: HostedGroup): void {
    const link = this.#link(replicaIdentity(present(group.leader, "leader")).brokerId);
    if (link.followed.size === 0) link.heardTick = this.#tickCount;
    link.followed.add(group);
    this.#rest(group);
  }

  /** A follower agreed to rest under this leader. */
  agree(group: HostedGroup, follower: number): void {
    const followers = group.rest.agree(follower);
    if (followers === undefined) return;
    for (const id of followers) {
      const link = this.#link(replicaIdentity(id).brokerId);
      if (link.led.size === 0) link.answeredTick = this.#tickCount;
      link.led.add(group);
    }
    this.#rest(group);
  }

  /** Something happens in a group. */
  wake(group: HostedGroup): void {
    if (!group.rest.isResting) return;
    group.rest.end();
    this.#awake.add(group);
    if (this.#alone.delete(group)) return;
    for (const { led, followed } of this.#links.values()) {
      led.delete(group);
      followed.delete(group);
    }
  }

  /** A beat or its answer came. */
  handle(from: BrokerId, { type, isReset }: LinkBeat): void {
    const link = this.#link(from);
    if (type === "beat") {
      link.heardTick = this.#tickCount;
      if (isReset) this.#wakeAll(link.followed);
      // A host that started anew rests under nobody, and its peer must learn that.
      this.#send(from, "beat-answer", link.followed.size === 0);
    } else {
      link.answeredTick = this.#tickCount;
      if (isReset) this.#wakeAll(link.led);
    }
  }

  /** The link did not take a beat. */
  handleUndelivered(to: BrokerId, { isReset, type }: LinkBeat): void {
    if (type === "beat" && isReset) this.#link(to).isReset = true;
  }

  /** Groups that rest without their replica on that broker bring it up to date. */
  handlePeerUp(peer: BrokerId): void {
    const waiting = new Set<HostedGroup>();
    for (const [broker, { led }] of this.#links) {
      if (broker === peer) continue;
      for (const group of led) {
        if (group.rest.others.some((id) => replicaIdentity(id).brokerId === peer)) {
          waiting.add(group);
        }
      }
    }
    const there = this.#link(peer).led;
    for (const group of waiting) if (!there.has(group)) this.wake(group);
  }

  handlePeerDown(peer: BrokerId): void {
    const link = this.#link(peer);
    this.#wakeAll(link.led);
    this.#wakeAll(link.followed);
  }

  /** One tick of the host. */
  tick(): void {
    this.#tickCount++;
    const { heartbeatTicks, silenceTicks } = this.#options;
    if (this.#tickCount % heartbeatTicks === 0) this.#restAlone();
    for (const [broker, link] of this.#links) {
      if (this.#tickCount - link.answeredTick > silenceTicks) this.#wakeAll(link.led);
      if (this.#tickCount - link.heardTick > silenceTicks) this.#wakeLate(link.followed);
      if (this.#tickCount % heartbeatTicks !== 0) continue;
      if (link.led.size === 0 && !link.isReset) continue;
      const { isReset } = link;
      link.isReset = false;
      this.#send(broker, "beat", isReset);
    }
  }

  /** A replica that is the only one of its group has nobody to agree with. */
  #restAlone(): void {
    for (const group of this.#awake) {
      if (!group.rest.mayRestAlone) continue;
      this.#alone.add(group);
      this.#rest(group);
    }
  }

  #rest(group: HostedGroup): void {
    group.rest.isResting = true;
    this.#awake.delete(group);
  }

  #wakeAll(groups: ReadonlySet<HostedGroup>): void {
    for (const group of groups) this.wake(group);
  }

  /** The leader's host was silent: these have waited for that long already. */
  #wakeLate(groups: ReadonlySet<HostedGroup>): void {
    for (const group of groups) {
      this.wake(group);
      for (let i = 0; i < this.#options.silenceTicks; i++) group.node.tick();
      this.#options.markDirty(group);
    }
  }

  #send(to: BrokerId, type: LinkBeat["type"], isReset: boolean): void {
    const { brokerId, send } = this.#options;
    send(to, { type, from: firstLife(brokerId), to: firstLife(to), term: 0, isReset });
  }

  #link(broker: BrokerId): Link {
    const known = this.#links.get(broker);
    if (known !== undefined) return known;
    const link: Link = {
      led: new Set(),
      followed: new Set(),
      heardTick: this.#tickCount,
      answeredTick: this.#tickCount,
      isReset: false,
    };
    this.#links.set(broker, link);
    return link;
  }
}

/** Beats are between hosts; any replica number of a host does. */
function firstLife(brokerId: BrokerId): number {
  return replicaNumber({ brokerId, replicaEpoch: 0 as ReplicaEpoch });
}
