import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rename, stat } from "node:fs/promises";
import { CodedError, machineClock, machineTimers, sleep } from "@stratalog/base";
import { type BrokerPlan, type DevDirectory, hasErrno } from "./dev-directory.ts";
import { httpGet } from "./http-probe.ts";

const READY_MS_MAX = 60_000;
const READY_POLL_MS = 25;
const STOP_MS_MAX = 15_000;
const KILL_MS_MAX = 5_000;
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOG_TAIL_LINES = 5;

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * What starts a broker: the program and its first arguments; `--config FILE` and `--set` follow.
 */
export interface BrokerProgram {
  readonly args: readonly string[];
  /** `key=value`, for every broker. */
  readonly settings: readonly string[];
}

/**
 * One broker in a process and a session of its own, so that a Ctrl-C in the terminal reaches the
 * supervisor alone. The channel between the two is what makes the broker stop when the supervisor
 * is gone, however it went.
 */
export class BrokerProcess {
  readonly plan: BrokerPlan;
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #logPath: string;
  #end: ProcessEnd | undefined;

  private constructor(plan: BrokerPlan, child: ChildProcess, logPath: string) {
    this.plan = plan;
    this.#child = child;
    this.#logPath = logPath;
    this.ended = new Promise((resolve) => {
      const finish = (end: ProcessEnd): void => {
        this.#end ??= end;
        resolve(this.#end);
      };
      child.once("exit", (code, signal) => finish({ code, signal }));
      child.once("error", () => finish({ code: null, signal: null }));
    });
  }

  /** Starts the process; does not wait for anything. */
  static async spawn(
    directory: DevDirectory,
    plan: BrokerPlan,
    program: BrokerProgram,
  ): Promise<BrokerProcess> {
    const logPath = directory.logPath(plan.id);
    await rotateLog(logPath);
    const log = await open(logPath, "a");
    try {
      const flags = program.settings.flatMap((setting) => ["--set", setting]);
      const args = [...program.args, "--config", directory.configPath(plan.id), ...flags];
      const child = spawn(process.execPath, args, {
        stdio: ["ignore", log.fd, log.fd, "ipc"],
        detached: true,
        env: environmentOfBrokers(),
      });
      return new BrokerProcess(plan, child, logPath);
    } finally {
      await log.close();
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  /**
   * Resolves when the broker says it is ready. Errors: BROKER_NOT_AVAILABLE with the end of its
   * log.
   */
  async ready(signal: AbortSignal): Promise<void> {
    const deadlineMs = machineClock.monotonicMs() + READY_MS_MAX;
    while (this.isRunning && machineClock.monotonicMs() < deadlineMs) {
      const answer = await httpGet(this.plan.httpPort, "/readyz");
      if (answer?.status === 200) return;
      await sleep(machineTimers, READY_POLL_MS, signal);
    }
    const what = this.isRunning
      ? `was not ready after ${READY_MS_MAX / 1000} s`
      : `stopped while it started${describeEnd(this.#end)}`;
    throw new CodedError(
      "BROKER_NOT_AVAILABLE",
      `broker ${this.plan.id} ${what}; the end of ${this.#logPath}:\n${await this.logTail()}`,
    );
  }

  /** Asks the broker to stop, and ends it when it takes too long. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGTERM");
    if (!(await this.#endsWithin(STOP_MS_MAX))) await this.kill();
  }

  /** `kill -9`: the process gets no chance to do anything. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    if (await this.#endsWithin(KILL_MS_MAX)) return;
    throw new CodedError("INTERNAL", `broker ${this.plan.id} (process ${this.pid}) does not die`);
  }

  /** Last lines of the broker's log. */
  async logTail(): Promise<string> {
    const text = await readFile(this.#logPath, "utf8");
    return text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  }

  async #endsWithin(limitMs: number): Promise<boolean> {
    const limit = new AbortController();
    const timer = sleep(machineTimers, limitMs, limit.signal).then(
      () => false,
      // Only the abort below rejects: the process ended first.
      () => true,
    );
    const isEnded = await Promise.race([this.ended.then(() => true), timer]);
    limit.abort();
    return isEnded;
  }
}

/** How a process ended, for people: " (exit code 1)". */
export function describeEnd(end: ProcessEnd | undefined): string {
  if (end?.signal !== null && end?.signal !== undefined) return ` (${end.signal})`;
  return end?.code === null || end?.code === undefined ? "" : ` (exit code ${end.code})`;
}

/**
 * Brokers are told everything by file and flags; settings meant for another broker must not leak
 * in.
 */
function environmentOfBrokers(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("STRATALOG_"));
  return { UV_THREADPOOL_SIZE: "16", ...Object.fromEntries(own) };
}

async function rotateLog(path: string): Promise<void> {
  try {
    if ((await stat(path)).size > LOG_BYTES_MAX) await rename(path, `${path}.1`);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}
