import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/strata.js", import.meta.url));
const READY_MS_MAX = 20_000;
const END_MS_MAX = 20_000;
const POLL_MS = 20;

/** Where one broker listens and keeps its data. */
export interface BrokerPlan {
  readonly id: number;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly httpPort: number;
  readonly seeds: readonly string[];
  /** More settings under their outside names. */
  readonly settings: Readonly<Record<string, string | number>>;
}

/** One broker in a process of its own, started as users start it: `strata broker --config FILE`. */
export class BrokerProcess {
  readonly plan: BrokerPlan;
  #child: ChildProcess | undefined;
  #ended: Promise<number | NodeJS.Signals | null> = Promise.resolve(null);

  constructor(plan: BrokerPlan) {
    this.plan = plan;
  }

  get address(): string {
    return `127.0.0.1:${this.plan.clientPort}`;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process, without waiting for anything. */
  async spawn(): Promise<void> {
    const { id, directory, clientPort, peerPort, httpPort, seeds, settings } = this.plan;
    const values = {
      "node.id": id,
      "data.dir": join(directory, "data"),
      seeds,
      "listeners.client.port": clientPort,
      "listeners.peer.port": peerPort,
      "listeners.http.port": httpPort,
      ...settings,
    };
    const config = join(directory, "broker.yaml");
    // JSON is YAML.
    const lines = Object.entries(values).map(
      ([key, value]) => `${key}: ${JSON.stringify(value)}\n`,
    );
    await writeFile(config, lines.join(""));
    const log = openSync(this.logPath, "a");
    const child = spawn(process.execPath, [PROGRAM, "broker", "--config", config], {
      stdio: ["ignore", log, log],
      env: { ...process.env, UV_THREADPOOL_SIZE: "8" },
    });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        if (this.#child === child) this.#child = undefined;
        resolve(code ?? signal);
      });
    });
  }

  /**
   * Resolves once the broker says that it is ready; rejects with its log when it ends or takes
   * too long.
   */
  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (this.isRunning && performance.now() < deadlineMs) {
      if ((await this.get("/readyz"))?.status === 200) return;
      await delay(POLL_MS);
    }
    const what = this.isRunning
      ? `is not ready after ${READY_MS_MAX} ms`
      : "ended while it started";
    throw new Error(`broker ${this.plan.id} ${what}:\n${await this.logTail()}`);
  }

  async start(): Promise<void> {
    await this.spawn();
    await this.ready();
  }

  /** An HTTP answer, or undefined when there is none. */
  async get(path: string): Promise<{ status: number; body: string } | undefined> {
    try {
      const url = `http://127.0.0.1:${this.plan.httpPort}${path}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
      return { status: answer.status, body: await answer.text() };
    } catch {
      // Nobody listens, or nobody answers: that is what this function reports as undefined.
      return undefined;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Asks it to stop; gives its exit code. Rejects when it takes too long. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.signal("SIGTERM");
    return this.ended();
  }

  /** How the process ended; waits for it within a bound. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const timeout = new AbortController();
    const late = delay(END_MS_MAX, "late" as const, { signal: timeout.signal });
    const end = await Promise.race([this.#ended, late]);
    timeout.abort();
    late.catch(() => "aborted");
    if (end !== "late") return end;
    throw new Error(`broker ${this.plan.id} does not end:\n${await this.logTail()}`);
  }

  get logPath(): string {
    return join(this.plan.directory, "broker.log");
  }

  async logTail(lineCount = 15): Promise<string> {
    const text = await readFile(this.logPath, "utf8");
    return text.trimEnd().split("\n").slice(-lineCount).join("\n");
  }
}
