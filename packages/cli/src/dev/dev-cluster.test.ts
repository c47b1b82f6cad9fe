// Real processes, with a small program in place of the broker: it answers on the HTTP port of its
// configuration file.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineTimers, sleep } from "@stratalog/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DevCluster } from "./dev-cluster.ts";
import { DevDirectory } from "./dev-directory.ts";
import { httpGet } from "./http-probe.ts";
import { metricValue } from "./metrics-text.ts";
import { usualPorts, withFreePorts } from "./port-plan.ts";
import { claimDirectory, findRunning } from "./run-claim.ts";

const FAKE_BROKER = `
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const text = readFileSync(process.argv[process.argv.indexOf("--config") + 1], "utf8");
const port = Number(/listeners.http.port: (\\d+)/.exec(text)[1]);
if (process.argv.includes("fail=true")) { console.error("cannot start, on purpose"); process.exit(3); }
if (process.argv.includes("silent=true")) setInterval(() => {}, 1000);
else createServer((_, response) => response.end("ok")).listen(port, "127.0.0.1");
const stop = () => { console.error("stopped gracefully"); process.exit(0); };
process.on("SIGTERM", stop);
process.on("disconnect", stop);
console.error("settings: " + process.env.STRATALOG_NODE_ID);
`;

let folder = "";
let programPath = "";
let cluster: DevCluster | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-dev-"));
  programPath = join(folder, "fake-broker.mjs");
  await writeFile(programPath, FAKE_BROKER);
  cluster = undefined;
});

afterEach(async () => {
  await cluster?.killAll();
  await rm(folder, { recursive: true });
});

const ends: string[] = [];
function options(brokerCount?: number, settings: readonly string[] = []) {
  ends.length = 0;
  return {
    directory: new DevDirectory(join(folder, "data")),
    brokerCount,
    program: { args: [programPath], settings },
    signal: new AbortController().signal,
    onUnexpectedEnd: (id: number) => ends.push(`broker ${id}`),
  };
}

async function start(brokerCount?: number): Promise<DevCluster> {
  cluster = await DevCluster.start(options(brokerCount));
  return cluster;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

async function isGoneSoon(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && isAlive(pid); attempt++) await sleep(machineTimers, 25);
  return !isAlive(pid);
}

describe("DevCluster", () => {
  it("starts each broker as a process that answers, and stops all of them gracefully", async () => {
    const { plan, directory, clientAddresses, ...rest } = await start();
    expect(rest).toBeDefined();
    expect(plan.brokers.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(clientAddresses).toHaveLength(3);
    const run = await directory.readRun();
    expect(run?.supervisorPid).toBe(process.pid);
    for (const { httpPort } of plan.brokers) {
      expect(await httpGet(httpPort, "/healthz")).toEqual({ status: 200, body: "ok" });
    }
    await cluster?.stop();
    expect(await readFile(directory.logPath(2), "utf8")).toContain("stopped gracefully");
    expect(await directory.readRun()).toBeUndefined();
    expect(run?.brokers.every(({ pid }) => !isAlive(pid))).toBe(true);
    expect(ends).toEqual([]);
  });

  it("kills a broker without mercy, says nothing unexpected happened, and starts it again", async () => {
    const running = await start();
    const before = running.pidOf(2) ?? 0;
    await running.kill(2);
    expect(running.pidOf(2)).toBeUndefined();
    expect(isAlive(before)).toBe(false);
    expect(await readFile(running.directory.logPath(2), "utf8")).not.toContain("gracefully");
    await running.restart(2);
    expect(running.pidOf(2)).not.toBe(before);
    expect(ends).toEqual([]);
    process.kill(running.pidOf(3) ?? 0, "SIGKILL");
    for (let attempt = 0; attempt < 200 && ends.length === 0; attempt++) {
      await sleep(machineTimers, 25);
    }
    expect(ends).toEqual(["broker 3"]);
  });

  it("resumes a directory with the brokers and ports it had, and refuses another number", async () => {
    const first = await start(2);
    await first.stop();
    cluster = undefined;
    await expect(DevCluster.start(options(3))).rejects.toThrow("a cluster of 2 brokers, not 3");
    const second = await start();
    expect(second.plan).toEqual(first.plan);
  });

  it("leaves nothing behind when a broker cannot start, and shows why", async () => {
    await expect(DevCluster.start(options(3, ["fail=true"]))).rejects.toThrow(
      /stopped while it started \(exit code 3\)[^]*cannot start, on purpose/,
    );
    expect(await new DevDirectory(join(folder, "data")).readRun()).toBeUndefined();
  });

  it("ends a start that waits when it is asked to, and leaves nothing behind", async () => {
    const stop = new AbortController();
    const starting = DevCluster.start({ ...options(2, ["silent=true"]), signal: stop.signal });
    const directory = new DevDirectory(join(folder, "data"));
    let run = await directory.readRun();
    while (run === undefined || run.brokers.length < 2) {
      await sleep(machineTimers, 25);
      run = await directory.readRun();
    }
    stop.abort();
    await expect(starting).rejects.toMatchObject({ name: "AbortError" });
    expect(run.brokers.some(({ pid }) => isAlive(pid))).toBe(false);
    expect(await directory.readRun()).toBeUndefined();
  });

  it("is not disturbed by settings in the environment that were meant for another broker", async () => {
    process.env["STRATALOG_NODE_ID"] = "77";
    try {
      const { directory } = await start(1);
      expect(await readFile(directory.logPath(1), "utf8")).toContain("settings: undefined");
    } finally {
      delete process.env["STRATALOG_NODE_ID"];
    }
  });
});

describe("a directory that is taken", () => {
  const supervisor = `
    import { writeFileSync } from "node:fs";
    import { spawn } from "node:child_process";
    const [program, config] = process.argv.slice(2);
    const child = spawn(process.execPath, [program, "--config", config],
      { stdio: ["ignore", "ignore", "ignore", "ipc"], detached: true });
    child.once("spawn", () => console.log(child.pid));
    setInterval(() => {}, 1000);
  `;

  it("is refused while its supervisor lives, and free once supervisor and brokers are gone", async () => {
    const directory = new DevDirectory(join(folder, "data"));
    await directory.create();
    const plan = await withFreePorts([usualPorts(1)]);
    await directory.writePlan(plan);
    const httpPort = plan.brokers[0]?.httpPort ?? 0;
    await writeFile(directory.configPath(1), `listeners.http.port: ${httpPort}\n`);
    const path = join(folder, "supervisor.mjs");
    await writeFile(path, supervisor);
    const other = spawn(process.execPath, [path, programPath, directory.configPath(1)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) => {
      other.stdout.once("data", (chunk) => resolve(Number(String(chunk))));
    });
    const supervisorPid = other.pid ?? 0;
    await directory.writeRun({ version: 1, supervisorPid, brokers: [{ id: 1, pid }] });
    for (let i = 0; i < 200 && (await httpGet(httpPort, "/")) === undefined; i++) {
      await sleep(machineTimers, 25);
    }
    expect((await findRunning(directory))?.run.brokers).toEqual([{ id: 1, pid }]);
    await expect(DevCluster.start(options())).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });

    // The supervisor dies without a word: its broker notices by itself, and the directory can be
    // used again.
    other.kill("SIGKILL");
    expect(await isGoneSoon(pid)).toBe(true);
    expect(await findRunning(directory)).toBeUndefined();
    await claimDirectory(directory);
    expect((await directory.readRun())?.supervisorPid).toBe(process.pid);
  });

  it("is refused when it cannot be made or its files are damaged", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(new DevDirectory(join(file, "below")).create()).rejects.toMatchObject({
      code: "DIRECTORY_UNUSABLE",
    });
    await expect(new DevDirectory("/proc/self/none").create()).rejects.toMatchObject({
      code: "DIRECTORY_UNUSABLE",
    });
    const directory = new DevDirectory(folder);
    await writeFile(directory.planPath, "{}");
    await expect(directory.readPlan()).rejects.toThrow("is damaged");
  });
});

describe("metricValue", () => {
  it("finds a metric by its whole name", () => {
    const text = '# HELP a_b help\na_b_total 3\na_b 17\na_c{x="1"} 4\n';
    expect(metricValue(text, "a_b")).toBe(17);
    expect(metricValue(text, "a_c")).toBeUndefined();
    expect(metricValue("", "a_b")).toBeUndefined();
  });
});

describe("withFreePorts", () => {
  it("keeps usual ports that are free and replaces one that is taken", async () => {
    const plan = await withFreePorts([{ id: 1, clientPort: 1, peerPort: 2, httpPort: 3 }]);
    const [wanted] = plan.brokers;
    const server = await new Promise<Server>((resolve) => {
      const listening = createServer().listen(wanted?.clientPort, "127.0.0.1", () =>
        resolve(listening),
      );
    });
    const [moved] = (await withFreePorts(plan.brokers)).brokers;
    server.close();
    expect(moved?.clientPort).not.toBe(wanted?.clientPort);
    expect(moved?.peerPort).toBe(wanted?.peerPort);
    expect(moved?.httpPort).toBe(wanted?.httpPort);
  });
});
