// What somebody new does wrong, and what the terminal says: one line that tells what to do, and the
// exit code that the README of the command line promises.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../integration/free-ports.ts";
import { repositoryRoot } from "../skips.ts";

const STRATA = join(repositoryRoot, "packages/cli/bin/strata.js");

interface Mistake {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  /** Goes to the cluster; default true. */
  readonly asks?: boolean;
}

let cluster: TestCluster;
let folder = "";
let nobody = 0;
let http = 0;
let taken: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-mistakes-"));
  [nobody = 0, http = 0] = await freePorts(2);
  cluster = await startTestCluster({ settings: { "listeners.http.port": http } });
  await using client = cluster.connect();
  await client.admin().createTopic({ name: "orders", partitions: 1 });
  await writeFile(join(folder, "large"), "x".repeat(2_000_000));
  taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
});

afterAll(async () => {
  taken.close();
  await cluster.stop();
  await rm(folder, { recursive: true });
});

/** A broker's command line with what must be said, over a directory of its own. */
function broker(...settings: readonly string[]): readonly string[] {
  const all = ["node.id=1", `data.dir=${join(folder, "data")}`, ...settings];
  return ["broker", ...all.flatMap((setting) => ["--set", setting])];
}

function takenPort(): number {
  const address = taken.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Made when the ports are known. */
const MISTAKES: readonly (() => Mistake)[] = [
  () => ({
    what: "no broker runs",
    args: ["topic", "list", "--brokers", `127.0.0.1:${nobody}`],
    code: 4,
    says: /no broker answered: \S+ \(ECONNREFUSED\)\. Is the cluster running/,
    asks: false,
  }),
  () => ({
    what: "the port for operators instead of the one for clients",
    args: ["topic", "list", "--brokers", `127.0.0.1:${http}`],
    code: 4,
    says: /it hangs up: no port for clients/,
    asks: false,
  }),
  () => ({
    what: "an address without a port",
    args: ["topic", "list", "--brokers", "127.0.0.1"],
    code: 1,
    says: /broker 127\.0\.0\.1: write "host:port"$/,
    asks: false,
  }),
  () => ({
    what: "TLS to a port without it",
    args: ["topic", "list", "--tls"],
    code: 4,
    says: /it does not speak TLS/,
  }),
  () => ({
    what: "a topic that is not there",
    args: ["consume", "order", "--max", "1"],
    code: 3,
    says: /there is no topic order.*strata topic list/,
  }),
  () => ({
    what: "more replicas than brokers",
    args: ["topic", "create", "a", "-r", "3"],
    code: 1,
    says: /replication factor 3 needs as many brokers; the cluster has 1$/,
  }),
  () => ({
    what: "a topic that is there",
    args: ["topic", "create", "orders"],
    code: 6,
    says: /topic orders exists already \(`strata topic describe` shows it\)$/,
  }),
  () => ({
    what: "a setting of a topic with a wrong name",
    args: ["topic", "create", "a", "-c", "retention.mss=1"],
    code: 1,
    says: /unknown topic configuration "retention\.mss"; known are retention\.ms/,
  }),
  () => ({
    what: "a setting of a broker with a wrong name",
    args: broker("segment.byte=1"),
    code: 1,
    says: /unknown configuration key "segment\.byte".*did you mean "segment\.bytes"\?/,
    asks: false,
  }),
  () => ({
    what: "a setting of a broker with a wrong value",
    args: broker("segment.bytes=12"),
    code: 1,
    says: /segment\.bytes is "12".*whole number from 1048576/,
    asks: false,
  }),
  () => ({
    what: "a port that is taken",
    args: broker("log.level=silent", `listeners.client.port=${takenPort()}`),
    code: 6,
    says: /127\.0\.0\.1:\d+ is taken by another process; stop it or choose another port$/,
    asks: false,
  }),
  () => ({
    what: "a file that is no broker's configuration",
    args: ["broker", "--config", join(folder, "nothing.yaml")],
    code: 1,
    says: /cannot read the configuration file.*nothing\.yaml/,
    asks: false,
  }),
  () => ({
    what: "a place that is none",
    args: ["consume", "orders", "--from", "yesterday"],
    code: 2,
    says: /--from yesterday: write start, end, an offset, -10/,
  }),
  () => ({
    what: "an offset beyond the end",
    args: ["replay", "orders", "--from", "99"],
    code: 1,
    says: /orders\/0 has offsets 0 to 0, not 99$/,
  }),
  () => ({
    what: "a record that is too large",
    args: ["produce", "orders", "--file", join(folder, "large")],
    code: 1,
    says: /the limit is 1048576.*max\.message\.bytes/,
  }),
  () => ({
    what: "a command that is none",
    args: ["topic", "lst"],
    code: 2,
    says: /unknown command 'lst'/,
    asks: false,
  }),
  () => ({
    what: "a number of brokers that cannot be",
    args: ["dev", "--brokers", "0"],
    code: 2,
    says: /whole number from 1 to 9/,
    asks: false,
  }),
];

/** Runs a command; gives its code and what it said about itself. */
function strata(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const env = { ...process.env, XDG_CONFIG_HOME: folder };
  const child = spawn(process.execPath, [STRATA, ...args], { cwd: folder, env });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end();
  return new Promise((resolve) =>
    child.once("close", (code) => resolve({ code, stderr: stderr.trim() })),
  );
}

describe("a mistake of somebody new", () => {
  it("is told in one line with what to do, and by its exit code", async () => {
    for (const mistake of MISTAKES) {
      const { what, args, code, says, asks = true } = mistake();
      const where = asks ? ["--brokers", cluster.addresses.join()] : [];
      const said = await strata([...args, ...where]);
      const lines = said.stderr.split("\n");
      expect([what, said.code, said.stderr]).toEqual([what, code, expect.stringMatching(says)]);
      // Commander adds a line with what is like it.
      expect([what, lines.length]).toEqual([what, /Did you mean/.test(said.stderr) ? 2 : 1]);
    }
  }, 240_000);
});
