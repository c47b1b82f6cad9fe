import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type Producer, type Stratalog } from "@stratalog/client";
import type { BrokerProcess } from "../../integration/broker-process.ts";
import { ProcessCluster } from "../../integration/process-cluster.ts";
import { sumOf } from "../../soak/broker-figures.ts";
import { must } from "../target.ts";

const MIB = 1024 * 1024;
/** What a broker may take more than it took after its first round. */
const GROWTH_MIB_MAX = 192;
const SETTLE_MS_MAX = 15_000;
const HEALTHY_TOPIC = "healthy";
const PAGE_BYTES = 4_096;

/**
 * One broker process under fire, and a client of it that does nothing wrong: it must be served all
 * the time.
 */
export class LiveBroker implements AsyncDisposable {
  readonly clusterId: string;
  readonly #cluster: ProcessCluster;
  readonly #client: Stratalog;
  readonly #producer: Producer;
  readonly #pid: number | undefined;
  readonly #acknowledged = new Map<string, string>();
  #sequence = 0;
  #baselineMiB: number | undefined;
  /** Connections of the good client. */
  #ownConnections = 0;

  private constructor(cluster: ProcessCluster, client: Stratalog, clusterId: string) {
    this.#cluster = cluster;
    this.#client = client;
    this.#producer = client.producer();
    this.#pid = this.broker.pid;
    this.clusterId = clusterId;
  }

  static async start(): Promise<LiveBroker> {
    const settings = { "segment.bytes": MIB, "retention.bytes": 16 * MIB, "log.level": "warn" };
    const cluster = await ProcessCluster.start({ brokers: 1, settings });
    const client = connect({ brokers: cluster.addresses, requestTimeoutMs: 10_000 });
    const admin = client.admin();
    await admin.createTopic({ name: HEALTHY_TOPIC, partitions: 1 });
    await admin.createTopic({ name: "noise", partitions: 2 });
    const { clusterId } = await admin.describeCluster();
    const live = new LiveBroker(cluster, client, clusterId ?? "");
    await live.checkServing();
    const page = (await live.broker.get("/metrics"))?.body ?? "";
    live.#ownConnections = sumOf(page, "stratalog_client_connections");
    return live;
  }

  get broker(): BrokerProcess {
    return this.#cluster.broker(1);
  }

  /** The broker lives, serves its good client, let go of the bad ones, and took little memory. */
  async check(): Promise<void> {
    await this.checkServing();
    await this.#checkReleased();
    const residentMiB = this.#residentMiB();
    this.#baselineMiB ??= residentMiB;
    const growthMiB = residentMiB - this.#baselineMiB;
    must(growthMiB <= GROWTH_MIB_MAX, `the broker grew by ${Math.round(growthMiB)} MiB`);
  }

  /** A record goes in and all records come out as they went in. */
  async checkServing(): Promise<void> {
    must(this.broker.isRunning && this.broker.pid === this.#pid, "the broker ended");
    await this.#checkHealth();
    const value = `record ${this.#sequence++}`;
    const place = { topic: HEALTHY_TOPIC, key: "k", value };
    const { offset } = await this.#producer.send(place);
    this.#acknowledged.set(String(offset), value);
    // Some of the newest are enough: all were looked at when they were new.
    const from = offset > 20n ? offset - 20n : 0n;
    let found = "";
    for await (const record of this.#client.replay({
      topic: HEALTHY_TOPIC,
      from: { offset: from },
    })) {
      const expected = this.#acknowledged.get(String(record.offset));
      must(record.text() === expected, `${record.offset} holds ${record.text()}, not ${expected}`);
      found = record.text() ?? "";
    }
    must(found === value, "the last record is not there");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#cluster[Symbol.asyncDispose]();
  }

  /** A busy machine may be late with an answer; a broker that hangs gives none. */
  async #checkHealth(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    let health = await this.broker.get("/healthz");
    while (health === undefined && performance.now() < deadlineMs) {
      health = await this.broker.get("/healthz");
    }
    must(health?.status === 200, `the broker says of itself: ${health?.status} ${health?.body}`);
  }

  async #checkReleased(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    let held = "";
    while (performance.now() < deadlineMs) {
      const page = (await this.broker.get("/metrics"))?.body ?? "";
      const bytes = sumOf(page, "stratalog_produce_inflight_bytes");
      const connections = sumOf(page, "stratalog_client_connections");
      held = `${bytes} bytes in flight, ${connections} connections`;
      if (page !== "" && bytes === 0 && connections <= this.#ownConnections) return;
      await delay(50);
    }
    must(false, `the broker still holds ${held}`);
  }

  #residentMiB(): number {
    const pages = Number(readFileSync(`/proc/${this.#pid}/statm`, "utf8").split(" ")[1]);
    return (pages * PAGE_BYTES) / MIB;
  }
}
