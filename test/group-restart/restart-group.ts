import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Consumer, Stratalog } from "@stratalog/client";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { repositoryRoot } from "../skips.ts";
import { DeliveryLog, faultsOf, type Pauses, pausesIn } from "./delivery-log.ts";

/** How large the group is and how much it is sent. */
export interface RestartOptions {
  readonly members: number;
  readonly partitions: number;
  readonly recordsPerSecond: number;
  /** Members that are closed and replaced one after the other. */
  readonly restarts: number;
  /** Whether one more member, in a process of its own, is killed at the end. */
  readonly withCrash: boolean;
}

/** What came of it. */
export interface RestartReport {
  readonly sent: number;
  /** Records that were skipped, out of order, or delivered twice though they were committed. */
  readonly faults: readonly string[];
  /** Records delivered twice, all of them uncommitted when their member was killed. */
  readonly repeated: number;
  /** With nobody coming or going, for comparison. */
  readonly quietMs: number;
  /** One for every restart. */
  readonly restarts: readonly Pauses[];
  readonly crash: Pauses | undefined;
}

const TOPIC = "orders";
const GROUP = "billing";
const SESSION_TIMEOUT_MS = 6_000;
const TICK_MS = 10;
const QUIET_MS = 2_000;
const WAIT_MS_MAX = 60_000;

interface Member {
  readonly name: string;
  readonly consumer: Consumer;
  readonly reading: Promise<void>;
}

/** A group under load whose members are replaced one by one. */
class GroupUnderLoad {
  readonly log = new DeliveryLog();
  readonly sentCounts: number[];
  members: Member[] = [];
  readonly #cluster: TestCluster;
  readonly #client: Stratalog;
  readonly #options: RestartOptions;
  #memberNumber = 0;
  readonly #stop = new AbortController();
  #sending: Promise<void> = Promise.resolve();

  constructor(cluster: TestCluster, client: Stratalog, options: RestartOptions) {
    this.#cluster = cluster;
    this.#client = client;
    this.#options = options;
    this.sentCounts = Array.from({ length: options.partitions }, () => 0);
  }

  get sent(): number {
    return this.sentCounts.reduce((sum, count) => sum + count, 0);
  }

  /** Sends to all partitions in turn, at an even rate, until it is stopped. */
  startLoad(): void {
    this.#sending = this.#send();
  }

  async stopLoad(): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }

  start(): Member {
    const name = `member-${++this.#memberNumber}`;
    const consumer = this.#client.consumer({ group: GROUP, topics: [TOPIC], fromBeginning: true });
    const read = async (): Promise<void> => {
      for await (const record of consumer) {
        const { partition, position: offset } = record;
        this.note({ name, partition, offset, sentMs: Number(record.text()) });
      }
    };
    const member = { name, consumer, reading: read() };
    this.members.push(member);
    return member;
  }

  note(got: {
    readonly name: string;
    readonly partition: number;
    readonly offset: number;
    readonly sentMs: number;
  }): void {
    const { name: member, partition, offset, sentMs } = got;
    const atMs = performance.now();
    this.log.add({ partition, offset, member, atMs, latencyMs: atMs - sentMs });
  }

  /** Waits until the members in this process share all partitions but `others` evenly. */
  async settle(others = 0): Promise<void> {
    const { partitions } = this.#options;
    await until("the group shares all partitions", () => {
      const counts = this.members.map(({ consumer }) => consumer.assignment.length);
      const owned = counts.reduce((sum, count) => sum + count, 0);
      return owned === partitions - others && Math.max(...counts) - Math.min(...counts) <= 1;
    });
  }

  /** Closes the oldest member and puts a new one in its place. */
  async restartOldest(): Promise<Pauses> {
    const end = this.begin();
    const oldest = this.members.shift();
    await oldest?.consumer.close();
    await oldest?.reading;
    this.start();
    await this.settle();
    await delay(200);
    return end();
  }

  /** Begins a span; what it gives back ends it and says what was noticed in it. */
  begin(): () => Pauses {
    const fromMs = performance.now();
    const owners = new Map(this.log.owners);
    return () => pausesIn(this.log, { fromMs, toMs: performance.now(), owners });
  }

  /** Lets a member in a process of its own join, kills it, and waits until others have its part. */
  async crashOne(): Promise<{
    readonly pauses: Pauses;
    readonly mayRepeatFrom: Map<number, number>;
  }> {
    const script = fileURLToPath(new URL("crashing-member.ts", import.meta.url));
    const address = this.#cluster.addresses[0] ?? "";
    const flags = ["--import", "tsx", "-C", "@stratalog/source", script];
    const child = spawn(
      process.execPath,
      [...flags, address, GROUP, TOPIC, `${SESSION_TIMEOUT_MS}`],
      { cwd: repositoryRoot, stdio: ["ignore", "pipe", "inherit"] },
    );
    const gone = new Promise((resolve) => child.once("close", resolve));
    const partitions = new Set<number>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [partition = 0, offset = 0, sentMs = 0] = line.split(" ").map(Number);
      partitions.add(partition);
      this.note({ name: "crashing", partition, offset, sentMs });
    });
    const share = Math.floor(this.#options.partitions / (this.members.length + 1));
    await until("the member in its own process has a share", () => partitions.size >= share);
    await delay(1_500);
    const end = this.begin();
    child.kill("SIGKILL");
    await gone;
    const { offsets } = await this.#client.admin().describeGroup(GROUP);
    const mayRepeatFrom = new Map<number, number>();
    for (const { partition, offset } of offsets) {
      if (partitions.has(partition)) mayRepeatFrom.set(partition, Number(offset));
    }
    await this.settle();
    await delay(500);
    return { pauses: end(), mayRepeatFrom };
  }

  /** Resolves when everything that was sent was delivered. */
  async drain(): Promise<void> {
    await until("everything is read", () => {
      const ends = new Map<number, number>();
      for (const { partition, offset } of this.log.deliveries) {
        ends.set(partition, Math.max(offset + 1, ends.get(partition) ?? 0));
      }
      return this.sentCounts.every((count, partition) => (ends.get(partition) ?? 0) >= count);
    });
  }

  async #send(): Promise<void> {
    const { recordsPerSecond, partitions } = this.#options;
    await using producer = this.#client.producer();
    const startMs = performance.now();
    for (let sent = 0; !this.#stop.signal.aborted; await delay(TICK_MS)) {
      const due = Math.floor(((performance.now() - startMs) * recordsPerSecond) / 1_000);
      for (; sent < due; sent++) {
        const partition = sent % partitions;
        const value = `${performance.now()}`;
        const room = producer.enqueue({ topic: TOPIC, partition, value });
        this.sentCounts[partition] = (this.sentCounts[partition] ?? 0) + 1;
        if (room !== undefined) await room;
      }
    }
    await producer.flush();
  }
}

/** Restarts a group's members one by one under load and says what their partitions noticed. */
export async function restartGroup(options: RestartOptions): Promise<RestartReport> {
  await using cluster = await startTestCluster();
  await using client = cluster.connect();
  await client.admin().createTopic({ name: TOPIC, partitions: options.partitions });
  const group = new GroupUnderLoad(cluster, client, options);
  for (let number = 0; number < options.members; number++) group.start();
  await group.settle();
  group.startLoad();
  await delay(1_000);
  const endOfQuiet = group.begin();
  await delay(QUIET_MS);
  const quiet = endOfQuiet();
  const restarts: Pauses[] = [];
  for (let count = 0; count < options.restarts; count++) restarts.push(await group.restartOldest());
  const crash = options.withCrash ? await group.crashOne() : undefined;
  await group.stopLoad();
  await group.drain();
  await Promise.all(group.members.map(({ consumer }) => consumer.close()));
  await Promise.all(group.members.map(({ reading }) => reading));
  const faults = group.sentCounts.flatMap((count, partition) => {
    return faultsOf(group.log, partition, {
      count,
      mayRepeatFrom: crash?.mayRepeatFrom.get(partition),
    });
  });
  const { sent } = group;
  const repeated = group.log.deliveries.length - sent;
  return { sent, faults, repeated, quietMs: quiet.keptMs, restarts, crash: crash?.pauses };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
    await delay(TICK_MS);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
