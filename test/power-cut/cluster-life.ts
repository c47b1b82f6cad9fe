import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "@stratalog/base";
import { connect, type Stratalog } from "@stratalog/client";
import type { BrokerProcess } from "../integration/broker-process.ts";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { storedRecords } from "../integration/stored-records.ts";
import { type Contents, problemsOf, readAll } from "./compared.ts";
import { CutDisk, type CutKind, MOUNT_VARIANTS, type MountVariant } from "./cut-disk.ts";
import { type Acknowledged, Lane } from "./lane.ts";
import { removeLeftOvers } from "./left-over.ts";

/** Whose power goes. */
export type CutMode = "one" | "all";

/** What came of the cuts of one cluster. */
export interface LifeOutcome {
  readonly variant: MountVariant;
  readonly brokers: number;
  readonly cuts: Readonly<Record<CutMode, number>>;
  /** Cuts after which the journal was written, but no data. */
  readonly journalCuts: number;
  readonly acknowledged: number;
  /** Files written without a sync just before a cut, and how many of them were gone after it. */
  readonly probes: number;
  readonly probesLost: number;
  /** How the processes ended whose disks were cut. */
  readonly exits: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** How a cluster differs from what its seed says. */
export interface LifeOptions {
  readonly brokers?: 1 | 3;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** One cut, drawn from the seed. */
interface Cut {
  readonly mode: CutMode;
  readonly kind: CutKind;
  readonly victim: number;
  /** Load between the brokers being ready and the cut. */
  readonly loadMs: number;
  /** Whether nothing is sent while brokers start and what they have is read. */
  readonly isQuiet: boolean;
  /** Life of a process after its disk is cut: what it says then must be true as well. */
  readonly lingerMs: number;
}

/** Small files and short terms: every cut has rolls, checkpoints and recycled files near it. */
const SETTINGS = {
  "wal.file.bytes": 1024 * 1024,
  "wal.checkpoint.interval.ms": 300,
  "segment.bytes": 1024 * 1024,
  "segment.flush.ms": 50,
  "tail.cache.bytes": 16 * 1024 * 1024,
  "disk.reserve.bytes": 8 * 1024 * 1024,
  "raft.heartbeat.ms": 120,
  "raft.election.ms": 600,
  "broker.heartbeat.interval.ms": 300,
  "broker.session.timeout.ms": 2_000,
} as const;

/** Of how many clusters one is a broker alone. */
const ALONE_SHARE = 2;
const REPLICATED = "replicated";
/** A partition on each broker and nowhere else: no other replica makes good what its disk lost. */
const SINGLE = "single";
const READ_MS_MAX = 180_000;
const READY_MS_MAX = 180_000;
const POLL_MS = 100;
const SETTLE_MS_MAX = 120_000;
const END_FIGURES = [
  /^stratalog_log_end_offset_sum (\d+)$/m,
  /^stratalog_high_watermark_sum (\d+)$/m,
];
const ALL_SHARE = 4;
const JOURNAL_SHARE = 6;

/** Images in memory where there is such a place: what is tested is ext4, not the disk below it. */
const imagesFolder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Name that all folders of images begin with, before the number of the process that made them. */
const IMAGES_PREFIX = "stratalog-power-cut-";

/** Unmounts and removes what killed runs left behind; gives the names of their folders. */
export function removeDeadLives(): readonly string[] {
  return removeLeftOvers(imagesFolder, IMAGES_PREFIX);
}

/** A cluster whose brokers each have a disk of their own, from its forming to its last cut. */
export class ClusterLife {
  readonly #random: SeededRandom;
  readonly #variant: MountVariant;
  readonly #images: string;
  readonly #cluster: ProcessCluster;
  readonly #disks: readonly CutDisk[];
  readonly #lanes: Lane[] = [];
  readonly #client: Stratalog;
  readonly #cuts = { one: 0, all: 0 };
  readonly #exits = new Map<string, number>();
  #journalCuts = 0;
  #probes = 0;
  #probesLost = 0;
  #problems: readonly string[] = [];
  readonly #startMs = performance.now();

  private constructor(parts: {
    readonly random: SeededRandom;
    readonly variant: MountVariant;
    readonly images: string;
    readonly cluster: ProcessCluster;
    readonly disks: readonly CutDisk[];
  }) {
    this.#random = parts.random;
    this.#variant = parts.variant;
    this.#images = parts.images;
    this.#cluster = parts.cluster;
    this.#disks = parts.disks;
    this.#client = connect({ brokers: this.#cluster.addresses });
  }

  /** Makes disks and brokers and starts them: one or three, as the seed says, unless told. */
  static async start(seed: number, options: LifeOptions = {}): Promise<ClusterLife> {
    const random = new SeededRandom(seed);
    const drawn = random.below(ALONE_SHARE) === 0 ? 1 : 3;
    const brokers = options.brokers ?? drawn;
    const variant = MOUNT_VARIANTS[random.below(MOUNT_VARIANTS.length)] ?? "defaults";
    const images = await mkdtemp(join(imagesFolder, `${IMAGES_PREFIX}${process.pid}-`));
    const cluster = await ProcessCluster.create({
      brokers,
      settings: { ...SETTINGS, ...options.settings },
    });
    const disks: CutDisk[] = [];
    for (const { plan } of cluster.brokers) {
      const mountPoint = join(plan.directory, "data");
      await mkdir(mountPoint);
      disks.push(await CutDisk.create(join(images, `${plan.id}.ext4`), mountPoint, variant));
    }
    const life = new ClusterLife({ random, variant, images, cluster, disks });
    try {
      await Promise.all(cluster.brokers.map((broker) => broker.spawn()));
      await Promise.all(cluster.brokers.map(readyAtLast));
      await life.#createTopics();
    } catch (error) {
      await life.end();
      throw error;
    }
    return life;
  }

  get brokers(): readonly BrokerProcess[] {
    return this.#cluster.brokers;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  get acknowledgedCount(): number {
    return this.#lanes.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  }

  outcome(): LifeOutcome {
    return {
      variant: this.#variant,
      brokers: this.brokers.length,
      cuts: { ...this.#cuts },
      journalCuts: this.#journalCuts,
      acknowledged: this.acknowledgedCount,
      probes: this.#probes,
      probesLost: this.#probesLost,
      exits: Object.fromEntries(this.#exits),
      seconds: Math.round((performance.now() - this.#startMs) / 100) / 10,
      problems: this.#problems,
    };
  }

  /** Draws a cut and makes it. False when something is wrong, which `problems` says. */
  async cutOnce(): Promise<boolean> {
    const random = this.#random;
    const isLong = random.below(5) === 0;
    const isAlone = this.brokers.length === 1;
    return this.cut({
      mode: random.below(ALL_SHARE) === 0 && !isAlone ? "all" : "one",
      kind: random.below(JOURNAL_SHARE) === 0 ? "journal" : "nothing",
      victim: random.below(this.brokers.length),
      loadMs: 100 + random.below(400),
      isQuiet: random.below(4) > 0,
      lingerMs: isLong ? 300 : random.below(30),
    });
  }

  /** Cuts the power under load, starts again what fell, and compares. */
  async cut(cut: Cut): Promise<boolean> {
    const isHit = (index: number): boolean => cut.mode === "all" || index === cut.victim;
    const disks = this.#disks.filter((_, index) => isHit(index));
    const brokers = this.#cluster.brokers.filter((_, index) => isHit(index));
    const before = this.acknowledgedCount;
    try {
      for (const lane of this.#lanes) lane.resume();
      await delay(cut.loadMs);
      await this.#cutPower(cut, disks, brokers);
      await Promise.all(brokers.map(readyAtLast));
      this.#problems = await this.#compare();
    } catch (error) {
      this.#problems = [error instanceof Error ? error.message : String(error)];
    }
    this.#cuts[cut.mode]++;
    if (cut.kind === "journal") this.#journalCuts++;
    if (this.acknowledgedCount === before) {
      this.#problems = [...this.#problems, "nothing was acknowledged around this cut"];
    }
    return this.#problems.length === 0;
  }

  /** Stops the load and looks at every replica's disk without a broker. */
  async finish(): Promise<boolean> {
    try {
      await Promise.all(this.#lanes.map((lane) => lane.stop()));
      const contents = await this.#read();
      await this.#replicasHave(contents);
      this.#problems = problemsOf(this.#acknowledged(), contents);
      await Promise.all(this.#cluster.brokers.map((broker) => broker.kill()));
      if (this.#problems.length === 0) this.#problems = await this.#compareDisks(contents);
    } catch (error) {
      this.#problems = [error instanceof Error ? error.message : String(error)];
    }
    return this.#problems.length === 0;
  }

  /** Kills the brokers, unmounts and removes everything; also after a failure. */
  async end(): Promise<void> {
    await Promise.all(this.#cluster.brokers.map((broker) => broker.kill()));
    await this.#client.close();
    // What is still on its way can only fail now.
    await Promise.allSettled(this.#lanes.map((lane) => lane.stop()));
    for (const disk of this.#disks) await disk.destroy();
    await this.#cluster[Symbol.asyncDispose]();
    await rm(this.#images, { recursive: true, force: true });
  }

  async #createTopics(): Promise<void> {
    const admin = this.#client.admin();
    const partitions = this.brokers.length;
    await admin.createTopic({ name: REPLICATED, partitions: 3, replicationFactor: partitions });
    await admin.createTopic({ name: SINGLE, partitions, replicationFactor: 1 });
    this.#lanes.push(new Lane(this.#client, { topic: REPLICATED, window: 16 }));
    for (let partition = 0; partition < partitions; partition++) {
      this.#lanes.push(new Lane(this.#client, { topic: SINGLE, partition, window: 4 }));
    }
  }

  async #cutPower(
    cut: Cut,
    disks: readonly CutDisk[],
    brokers: readonly BrokerProcess[],
  ): Promise<void> {
    await Promise.all(disks.map((disk) => disk.writeProbe()));
    await CutDisk.cut(disks, cut.kind);
    await delay(cut.lingerMs);
    if (cut.isQuiet) for (const lane of this.#lanes) lane.pause();
    await Promise.all(brokers.map((broker) => broker.kill()));
    for (const broker of brokers) {
      const end = String(await broker.ended());
      this.#exits.set(end, (this.#exits.get(end) ?? 0) + 1);
    }
    await Promise.all(
      disks.map(async (disk) => {
        await disk.unmount();
        await disk.mount();
        this.#probes++;
        if (await disk.isProbeLost()) this.#probesLost++;
      }),
    );
    await Promise.all(brokers.map((broker) => broker.spawn()));
  }

  /** Waits until every replica holds all records, and knows that they are committed. */
  async #replicasHave(contents: Contents): Promise<void> {
    const singleCount = countOf(contents, SINGLE);
    const expected = this.brokers.length * (contents.size - singleCount) + singleCount;
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    let found: readonly number[] = [];
    while (performance.now() < deadlineMs) {
      const pages = await Promise.all(this.brokers.map((broker) => broker.get("/metrics")));
      found = END_FIGURES.map((figure) =>
        pages.reduce((sum, page) => sum + Number(figure.exec(page?.body ?? "")?.[1] ?? 0), 0),
      );
      if (found.every((sum) => sum === expected)) return;
      await delay(20);
    }
    throw new Error(`the replicas hold ${found.join(" and ")} records, not ${expected}`);
  }

  #acknowledged(): readonly Acknowledged[] {
    return this.#lanes.flatMap(({ acknowledged }) => acknowledged);
  }

  #read(): Promise<Contents> {
    return readAll(this.#client, [REPLICATED, SINGLE], AbortSignal.timeout(READ_MS_MAX));
  }

  async #compare(): Promise<readonly string[]> {
    // The load may go on: only what was acknowledged before the reading began can be asked for.
    const acknowledged = this.#acknowledged();
    return problemsOf(acknowledged, await this.#read());
  }

  /** Every replica's own disk, read by recovery alone, has exactly what the cluster has. */
  async #compareDisks(contents: Contents): Promise<readonly string[]> {
    const problems: string[] = [];
    const single = new Map<string, string>();
    for (const { plan } of this.#cluster.brokers) {
      const replicated = await storedRecords(plan, REPLICATED);
      problems.push(...differences(`broker ${plan.id}`, REPLICATED, replicated, contents));
      for (const [place, value] of await storedRecords(plan, SINGLE)) single.set(place, value);
    }
    problems.push(...differences("the brokers together", SINGLE, single, contents));
    return problems;
  }
}

/** On a machine that does much else a start may take minutes; only a process that ended is wrong. */
async function readyAtLast(broker: BrokerProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  while (broker.isRunning && performance.now() < deadlineMs) {
    if ((await broker.get("/readyz"))?.status === 200) return;
    await delay(POLL_MS);
  }
  const what = broker.isRunning ? "is not ready" : "ended while it started";
  throw new Error(`broker ${broker.plan.id} ${what}:\n${await broker.logTail()}`);
}

function countOf(contents: Contents, topic: string): number {
  return [...contents.keys()].filter((place) => place.startsWith(`${topic}/`)).length;
}

function differences(
  who: string,
  topic: string,
  stored: ReadonlyMap<string, string>,
  contents: Contents,
): readonly string[] {
  const expected = [...contents.keys()].filter((place) => place.startsWith(`${topic}/`));
  const wrong = expected.filter(
    (place) => stored.get(place.slice(topic.length + 1)) !== contents.get(place),
  );
  const problems = wrong.slice(0, 3).map((place) => `${who}: ${place} differs on the disk`);
  if (stored.size === expected.length) return problems;
  return [...problems, `${who}: ${stored.size} records of ${topic}, not ${expected.length}`];
}
