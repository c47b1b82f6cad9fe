import { setTimeout as delay } from "node:timers/promises";
import { callUnary, createServiceClient } from "@stratalog/protocol";
import type { BrokerProcess } from "../integration/broker-process.ts";

/** Who leads a partition, as one broker says. */
export interface PartitionLeader {
  readonly leaderId?: number | undefined;
  readonly leaderEpoch: number;
}

/** By partition. */
export type Leaders = readonly PartitionLeader[];

const CALL_MS_MAX = 1_000;
const POLL_MS = 5;

/** Asks each broker by itself who leads a topic's partitions: no client guesses or remembers. */
export class LeaderWatch implements Disposable {
  readonly #topic: string;
  readonly #clients: ReadonlyMap<
    BrokerProcess,
    ReturnType<typeof createServiceClient<"MetadataService">>
  >;

  constructor(brokers: readonly BrokerProcess[], topic: string) {
    this.#topic = topic;
    this.#clients = new Map(
      brokers.map((broker) => {
        return [broker, createServiceClient("MetadataService", { address: broker.address })];
      }),
    );
  }

  /** One broker's view; undefined when it does not answer. */
  async ask(broker: BrokerProcess): Promise<Leaders | undefined> {
    const client = this.#clients.get(broker);
    if (client === undefined) throw new Error(`broker ${broker.plan.id} is not watched`);
    const invoke = client.getMetadata.bind(client);
    const deadlineMs = Date.now() + CALL_MS_MAX;
    try {
      const answer = await callUnary(invoke, { topics: [this.#topic] }, { deadlineMs });
      return answer.topics[0]?.partitions ?? [];
    } catch {
      // It is down, starts or was stopped: that is what the caller learns.
      return undefined;
    }
  }

  /** Polls one broker until its view is as wanted; gives the view, or undefined after the limit. */
  async until(
    broker: BrokerProcess,
    isWanted: (leaders: Leaders) => boolean,
    limitMs: number,
  ): Promise<Leaders | undefined> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs) {
      const leaders = await this.ask(broker);
      if (leaders !== undefined && isWanted(leaders)) return leaders;
      await delay(POLL_MS);
    }
    return undefined;
  }

  /** Waits until all these brokers name the same leader for every partition. */
  async agreement(brokers: readonly BrokerProcess[], limitMs: number): Promise<Leaders> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const views = await Promise.all(brokers.map((broker) => this.ask(broker)));
      const [first] = views;
      const isSame = views.every((view) => {
        return (
          view !== undefined && JSON.stringify(view.map(key)) === JSON.stringify(first?.map(key))
        );
      });
      const isWhole = first?.every(({ leaderId }) => leaderId !== undefined) === true;
      if (isSame && isWhole && first.length > 0) return first;
      if (performance.now() > endMs) {
        throw new Error(`no agreement on leaders within ${limitMs} ms: ${JSON.stringify(views)}`);
      }
      await delay(POLL_MS);
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
  }
}

function key({ leaderId, leaderEpoch }: PartitionLeader): readonly (number | undefined)[] {
  return [leaderId, leaderEpoch];
}
