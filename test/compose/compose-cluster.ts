import { setTimeout as delay } from "node:timers/promises";
import { type Engine, execute } from "./engine.ts";

const HEALTHY_MS_MAX = 120_000;
const POLL_MS = 250;

/** The cluster of `docker-compose.yml` under a project name of its own. */
export class ComposeCluster {
  readonly project: string;
  readonly #engine: Engine;
  readonly #files: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;

  constructor(
    engine: Engine,
    options: {
      readonly project: string;
      /** After docker-compose.yml. */
      readonly overlays?: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
    },
  ) {
    this.#engine = engine;
    this.project = options.project;
    this.#files = ["docker-compose.yml", ...(options.overlays ?? [])];
    this.#environment = options.environment;
  }

  /** Runs a command of compose. */
  compose(...args: readonly string[]): Promise<string> {
    const files = this.#files.flatMap((file) => ["-f", file]);
    const command = [...this.#engine.compose, ...files, "-p", this.project, ...args];
    return execute(command, this.#environment);
  }

  /** Builds and starts all; resolves when every broker is healthy. */
  async up(...args: readonly string[]): Promise<void> {
    await this.compose("up", "-d", ...args);
    await this.healthy(["broker-1", "broker-2", "broker-3"]);
  }

  async down(): Promise<void> {
    await this.compose("down", "-v", "--remove-orphans");
  }

  /** Resolves when the engine says of every service that it is healthy. */
  async healthy(services: readonly string[]): Promise<void> {
    const deadlineMs = performance.now() + HEALTHY_MS_MAX;
    for (;;) {
      const states = await Promise.all(services.map((service) => this.#health(service)));
      if (states.every((state) => state === "healthy")) return;
      if (performance.now() > deadlineMs) {
        const logs = await this.compose("logs", "--tail=20");
        throw new Error(`${services.join()} are ${states.join()} after a while:\n${logs}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Runs `strata` in a container of its own, in the brokers' network, with what it reads. */
  async strata(input: string, ...args: readonly string[]): Promise<string> {
    const entry = ["--entrypoint", "sh", "broker-1", "-c"];
    const quoted = args.map((arg) => `'${arg}'`).join(" ");
    const script = `printf '${input}' | strata ${quoted}`;
    return await this.compose("run", "--rm", "-T", "--no-deps", ...entry, script);
  }

  async #health(service: string): Promise<string> {
    const id = (await this.compose("ps", "-q", service)).trim();
    if (id === "") return "absent";
    const format = "{{if .State.Running}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}";
    return (await execute(["docker", "inspect", "-f", format, id])).trim();
  }
}
