import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../integration/free-ports.ts";
import { blocksOf } from "../docs/told-commands.ts";
import { canRun, repositoryRoot } from "../skips.ts";
import { canMakeCertificates, makeCertificates, pemOf } from "../tls/certificates.ts";
import { prepareBaseImage } from "./base-image.ts";
import { ComposeCluster } from "./compose-cluster.ts";
import { type Engine, execute, findEngine } from "./engine.ts";

// docker-compose.yml on a real engine: takes minutes, so it runs only when it is asked for by
// STRATALOG_REQUIRE=docker. DOCKER_HOST names an engine that is not at the usual place, STRATALOG_IMAGE
// an image that is there already and is then not built.

const TOPIC = "orders";
const MINUTES_MS = 60_000;
const HOSTS = ["localhost", "127.0.0.1", "broker-1", "broker-2", "broker-3"];

const isAsked = (process.env["STRATALOG_REQUIRE"] ?? "").includes("docker");
const engine: Engine | undefined = isAsked ? findEngine() : undefined;
const hasEngine = canRun({
  need: "docker",
  isMet: engine !== undefined,
  name: "docker-compose.yml on a container engine",
  reason: isAsked ? "no engine with compose answers" : "takes minutes: STRATALOG_REQUIRE=docker",
});

const builtImage = process.env["STRATALOG_IMAGE"];
const buildFlag = builtImage === undefined ? "--build" : "--no-build";
let environment: Record<string, string> = {};
let brokers: string[] = [];

/** Arguments of the build on this machine; the network is the host's, which reaches a registry. */
async function prepare(): Promise<void> {
  const base = builtImage === undefined ? await prepareBaseImage() : undefined;
  const image = base === undefined ? builtImage : `built on ${base.description}`;
  process.stdout.write(`compose: ${engine?.name ?? ""}; image: ${image}\n`);
  const ports = await freePorts(3);
  brokers = ports.map((port) => `127.0.0.1:${port}`);
  environment = {
    STRATALOG_BASE_IMAGE: base?.reference ?? "",
    STRATALOG_BUILD_NETWORK: "host",
    STRATALOG_IMAGE: builtImage ?? "stratalog:compose-test",
    ...Object.fromEntries(ports.map((port, index) => [`STRATALOG_PORT_${index + 1}`, `${port}`])),
  };
}

async function produce(client: Stratalog, count: number, round: string): Promise<void> {
  await using producer = client.producer();
  const sent = Array.from({ length: count }, (_, n) =>
    producer.send({ topic: TOPIC, key: `${round}-${n}`, value: `${round} ${n}` }),
  );
  await Promise.all(sent);
}

/** Values of all records, each as often as it is there. */
async function readAll(client: Stratalog): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of client.replay({ topic: TOPIC, from: "earliest", to: "end" })) {
    values.push(Buffer.from(value ?? []).toString());
  }
  return values.toSorted();
}

function expected(rounds: Readonly<Record<string, number>>): string[] {
  return Object.entries(rounds)
    .flatMap(([round, count]) => Array.from({ length: count }, (_, n) => `${round} ${n}`))
    .toSorted();
}

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .toSorted();
}

async function containerOf(cluster: ComposeCluster, service: string): Promise<string> {
  return (await cluster.compose("ps", "-q", service)).trim();
}

/** The first block of README's chapter on containers. */
async function containerCommands(): Promise<readonly string[]> {
  const readme = await readFile(join(repositoryRoot, "README.md"), "utf8");
  const [, chapter = ""] = readme.split("## In containers");
  const [block] = blocksOf(chapter);
  return block?.code.trim().split("\n") ?? [];
}

/** A reader's command with the project, the ports and the compose of this machine. */
function translated(command: string, cluster: ComposeCluster): string {
  const compose = [...(engine?.compose ?? []), "-p", cluster.project].join(" ");
  // There is no terminal here, and compose 1 does not know how to wait.
  const [up, exec] = [`${compose} up`, `${compose} exec -T`];
  const build = builtImage === undefined ? "--build" : "--no-build";
  return command
    .replace("docker compose up -d --build --wait", `${up} -d ${build}`)
    .replace("docker compose exec", exec)
    .replace("docker compose", compose)
    .replace("127.0.0.1:9105,127.0.0.1:9115,127.0.0.1:9125", brokers.join())
    .replace("npx strata", "node packages/cli/bin/strata.js");
}

describe.skipIf(!hasEngine)("docker-compose.yml", () => {
  let cluster: ComposeCluster;

  beforeAll(async () => {
    await prepare();
    const project = "stratalog-test";
    cluster = new ComposeCluster(engine!, { project, environment });
    await cluster.down();
  }, 10 * MINUTES_MS);

  afterAll(() => cluster?.down(), MINUTES_MS);

  it(
    "builds, stores from host and container, survives a stop, a kill and a restart",
    async () => {
      await cluster.up(buildFlag);
      await using client = connect({ brokers });
      await client.admin().createTopic({ name: TOPIC, partitions: 3, replicationFactor: 3 });
      await produce(client, 200, "host");
      await cluster.strata("container 0\\ncontainer 1\\n", "produce", TOPIC);

      await execute(["docker", "stop", await containerOf(cluster, "broker-2")]);
      await produce(client, 50, "stopped");
      await cluster.up("--no-build");
      await execute(["docker", "kill", await containerOf(cluster, "broker-3")]);
      await produce(client, 50, "killed");
      const all = expected({ host: 200, container: 2, stopped: 50, killed: 50 });
      expect(await readAll(client)).toEqual(all);

      await cluster.up("--no-build");
      expect(lines(await cluster.strata("", "replay", TOPIC))).toHaveLength(all.length);
      await cluster.compose("restart");
      await cluster.healthy(["broker-1", "broker-2", "broker-3"]);
      expect(await readAll(client)).toEqual(all);
    },
    10 * MINUTES_MS,
  );

  it(
    "is used as README tells, command by command",
    async () => {
      const commands = await containerCommands();
      expect(commands).toHaveLength(4);
      for (const command of commands) {
        const output = await execute(["sh", "-c", translated(command, cluster)], environment);
        if (command.includes(" up ")) await cluster.healthy(["broker-1", "broker-2", "broker-3"]);
        if (command.includes("cluster status")) expect(output).toMatch(/^ +3 +\S+:\d+ .*in /m);
      }
    },
    10 * MINUTES_MS,
  );
});

describe.skipIf(!hasEngine || !canMakeCertificates("compose over TLS"))(
  "cluster/compose.tls.yml",
  () => {
    let cluster: ComposeCluster;
    let certificates = "";

    beforeAll(async () => {
      await prepare();
      certificates = await mkdtemp(join(tmpdir(), "stratalog-compose-tls-"));
      // Containers have users of their own, who must be able to look into the directory.
      await execute(["chmod", "755", certificates]);
      makeCertificates(certificates, HOSTS);
      cluster = new ComposeCluster(engine!, {
        project: "stratalog-test-tls",
        overlays: ["cluster/compose.tls.yml"],
        environment: { ...environment, STRATALOG_CERTS: certificates },
      });
      await cluster.down();
    }, 10 * MINUTES_MS);

    afterAll(async () => {
      await cluster?.down();
      await rm(certificates, { recursive: true, force: true });
    }, MINUTES_MS);

    it(
      "encrypts for host and container, and refuses whoever does not",
      async () => {
        await cluster.up(buildFlag);
        const [ca, cert, key] = ["ca.crt", "client.crt", "client.key"].map((name) =>
          pemOf(certificates, name),
        );
        await using client = connect({ brokers, tls: { ca: ca!, cert: cert!, key: key! } });
        await client.admin().createTopic({ name: TOPIC, partitions: 3, replicationFactor: 3 });
        await produce(client, 50, "host");
        await cluster.strata("container 0\\n", "produce", TOPIC);
        const all = expected({ host: 50, container: 1 });
        expect(await readAll(client)).toEqual(all);
        expect(lines(await cluster.strata("", "replay", TOPIC))).toHaveLength(all.length);
        await using stranger = connect({ brokers, requestTimeoutMs: 2_000 });
        await expect(stranger.admin().listTopics()).rejects.toBeInstanceOf(Error);
      },
      10 * MINUTES_MS,
    );
  },
);
