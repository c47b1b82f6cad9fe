import type { BrokerId, Startable, Timer, Timers } from "@stratalog/base";
import { decodeLeaderNews, encodeLeaderNews, type LedGroup } from "./leader-news.ts";
import type { LeaderTable } from "./leader-table.ts";

/** The part of raft-host's `Gossip` that this needs: best effort, to every peer that is up. */
export interface NewsChannel {
  broadcast(topic: string, body: Uint8Array): void;
  on(topic: string, receive: (from: BrokerId, body: Uint8Array) => void): void;
}

const TOPIC = "leaders";
/** How often everything is said again: what a lost message costs at most. */
const DIGEST_MS = 1_000;

/**
 * Tells the other brokers which groups this one leads, at once when that changes and again every
 * second.
 */
export class LeaderGossip implements Startable {
  readonly name = "leader gossip";
  readonly #channel: NewsChannel;
  readonly #table: LeaderTable;
  readonly #ledGroups: () => readonly LedGroup[];
  readonly #timers: Timers;
  #timer: Timer | undefined;
  #isQueued = false;

  constructor(options: {
    readonly channel: NewsChannel;
    readonly table: LeaderTable;
    ledGroups(): readonly LedGroup[];
    readonly timers: Timers;
  }) {
    this.#channel = options.channel;
    this.#table = options.table;
    this.#ledGroups = () => options.ledGroups();
    this.#timers = options.timers;
  }

  start(): Promise<void> {
    this.#channel.on(TOPIC, (from, body) => this.#receive(from, body));
    this.#scheduleDigest();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    return Promise.resolve();
  }

  /** Groups were won or lost: tells of it at the end of this turn, in one message. */
  tellSoon(): void {
    if (this.#isQueued || this.#timer === undefined) return;
    this.#isQueued = true;
    this.#timers.endOfTurn(() => {
      this.#isQueued = false;
      if (this.#timer !== undefined) this.#tell();
    });
  }

  #tell(): void {
    const groups = this.#ledGroups();
    if (groups.length > 0) this.#channel.broadcast(TOPIC, encodeLeaderNews(groups));
  }

  #receive(from: BrokerId, body: Uint8Array): void {
    // Foreign bytes tell nothing; the next digest comes in a second.
    for (const { group, term } of decodeLeaderNews(body) ?? []) {
      this.#table.learn(group, { leader: from, term });
    }
  }

  #scheduleDigest(): void {
    this.#timer = this.#timers.after(DIGEST_MS, () => {
      this.#scheduleDigest();
      this.#tell();
    });
  }
}
