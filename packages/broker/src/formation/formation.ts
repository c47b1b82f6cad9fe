import {
  brokerId,
  type BrokerId,
  type ClusterId,
  CodedError,
  type KeyValueStore,
  type Logger,
  type Random,
  randomUuid,
  sleep,
  type Timers,
} from "@stratalog/base";
import type { PeerHello } from "@stratalog/raft-host";
import type { Seed } from "../config/broker-config.ts";
import type { Calls } from "../controller/peer-calls.ts";
import type { IdentityStore } from "../directory/broker-identity.ts";
import {
  type FormationRecord,
  loadFormationRecord,
  saveFormationRecord,
} from "./formation-record.ts";
import {
  decodeFormationStatus,
  encodeFormationStatus,
  FORMATION_STATUS,
  type FormationStatus,
} from "./formation-status.ts";
import { nextFormationStep } from "./formation-step.ts";

const POLL_MS = 200;
const STATUS_TIMEOUT_MS = 1_000;
/** How often the same reason for waiting is logged. */
const WAITING_LOG_MS = 10_000;

/** What formation needs. The peer link runs and is told of the seeds already. */
export interface FormationOptions {
  readonly identity: IdentityStore;
  /** The initial voters; empty: this broker alone. */
  readonly seeds: readonly Seed[];
  readonly calls: Calls;
  readonly store: KeyValueStore;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Most seeds belong to another cluster than this directory: the broker must stop, with this
   * error.
   */
  onMismatch(error: CodedError): void;
}

/** The cluster that this broker belongs to. */
export interface FormedCluster {
  readonly clusterId: ClusterId;
  /** Brokers that vote on the controller. */
  readonly voters: readonly BrokerId[];
  readonly isVoter: boolean;
}

/** Finds or forms this broker's cluster, once in the life of its data directory. */
export class Formation {
  readonly #options: FormationOptions;
  readonly #seedIds: readonly BrokerId[];
  readonly #seedTexts: readonly string[];
  readonly #foreignSeeds = new Map<BrokerId, string>();
  #record: FormationRecord | undefined;
  #isStopped = false;
  #isMismatchTold = false;
  #lastWaiting = { why: "", countdown: 0 };

  constructor(options: FormationOptions) {
    this.#options = options;
    const { seeds, identity, calls } = options;
    const own = brokerId(identity.identity.brokerId);
    this.#seedIds = seeds.length === 0 ? [own] : seeds.map((seed) => brokerId(seed.brokerId));
    this.#seedTexts = seeds.map((seed) => `${seed.brokerId}@${seed.host}:${seed.port}`).toSorted();
    calls.handle(FORMATION_STATUS, () => Promise.resolve(encodeFormationStatus(this.#status())));
  }

  /**
   * Resolves once this broker durably belongs to a formed cluster; may wait for other seeds without
   * end. Rejects with DIRECTORY_UNUSABLE, CLUSTER_ID_MISMATCH, STORAGE_DAMAGED or CLOSED.
   */
  async form(): Promise<FormedCluster> {
    const { store, identity } = this.#options;
    const stored = await loadFormationRecord(store);
    const { clusterId } = identity.identity;
    if (stored !== undefined) {
      // The identity may lack the id after a crash between the two writes; it refuses another one.
      await identity.adoptCluster(stored.clusterId);
      return this.#formed(stored);
    }
    if (clusterId !== undefined) {
      const message = `the directory belongs to cluster ${clusterId}, but the record of it is gone`;
      throw new CodedError("STORAGE_DAMAGED", message);
    }
    while (!this.#isStopped) {
      const record = await this.#step();
      if (record !== undefined) return this.#adopt(record);
      await sleep(this.#options.timers, POLL_MS);
    }
    throw new CodedError("CLOSED", "the broker stops before its cluster has formed");
  }

  /** Ends a `form` that waits. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Why a peer is not of this cluster; undefined when it may be. To be asked for every hello. */
  checkHello(hello: PeerHello): string | undefined {
    const own = this.#options.identity.identity.clusterId;
    if (own === undefined || hello.clusterId === undefined || hello.clusterId === own) {
      this.#foreignSeeds.delete(hello.brokerId);
      return undefined;
    }
    const text = `broker ${hello.brokerId} belongs to cluster ${hello.clusterId}, this one to ${own}`;
    if (this.#seedIds.includes(hello.brokerId)) {
      this.#foreignSeeds.set(hello.brokerId, hello.clusterId);
      this.#maybeTellMismatch(text);
    }
    return text;
  }

  #maybeTellMismatch(text: string): void {
    if (this.#isMismatchTold || this.#foreignSeeds.size * 2 <= this.#seedIds.length) return;
    this.#isMismatchTold = true;
    const message = `${text}: check seeds and data.dir`;
    this.#options.onMismatch(new CodedError("CLUSTER_ID_MISMATCH", message));
  }

  async #step(): Promise<FormationRecord | undefined> {
    const step = nextFormationStep(this.#status(), this.#seedIds, await this.#askSeeds());
    switch (step.type) {
      case "adopt":
        return step.record;
      case "propose": {
        // The id's one source of truth is this broker's disk, before anybody else hears of it.
        const clusterId = randomUuid(this.#options.random) as ClusterId;
        return { clusterId, voters: step.voters };
      }
      case "refuse":
        throw new CodedError("DIRECTORY_UNUSABLE", step.why);
      case "wait":
        this.#logWaiting(step.why);
        return undefined;
    }
  }

  /** What the other seeds say; those that do not answer are left out. */
  async #askSeeds(): Promise<ReadonlyMap<BrokerId, FormationStatus>> {
    const { calls, identity, logger } = this.#options;
    const statuses = new Map<BrokerId, FormationStatus>();
    const others = this.#seedIds.filter((id) => id !== identity.identity.brokerId);
    const ask = async (seed: BrokerId): Promise<void> => {
      try {
        const options = { timeoutMs: STATUS_TIMEOUT_MS };
        const answer = await calls.call(seed, FORMATION_STATUS, new Uint8Array(0), options);
        const status = decodeFormationStatus(answer);
        if (status.brokerId === seed) statuses.set(seed, status);
      } catch (error) {
        logger.debug({ seed, error }, "a seed does not answer");
      }
    };
    await Promise.all(others.map(ask));
    return statuses;
  }

  async #adopt(record: FormationRecord): Promise<FormedCluster> {
    const { store, identity, logger } = this.#options;
    await saveFormationRecord(store, record);
    await identity.adoptCluster(record.clusterId);
    logger.info({ clusterId: record.clusterId }, "part of the cluster");
    return this.#formed(record);
  }

  #formed(record: FormationRecord): FormedCluster {
    this.#record = record;
    const voters = record.voters.map((voter) => voter.brokerId);
    const own = brokerId(this.#options.identity.identity.brokerId);
    return { clusterId: record.clusterId, voters, isVoter: voters.includes(own) };
  }

  #status(): FormationStatus {
    const { identity } = this.#options.identity;
    const formed = this.#record;
    return {
      brokerId: brokerId(identity.brokerId),
      directoryId: identity.directoryId,
      seeds: this.#seedTexts,
      ...(formed === undefined ? {} : { formed }),
    };
  }

  #logWaiting(why: string): void {
    const last = this.#lastWaiting;
    last.countdown -= 1;
    if (why === last.why && last.countdown > 0) return;
    this.#lastWaiting = { why, countdown: WAITING_LOG_MS / POLL_MS };
    this.#options.logger.info({ why }, "waiting for the cluster to form");
  }
}
