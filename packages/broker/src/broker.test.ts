import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stratalog/base";
import {
  type FileHandle,
  type FileSystem,
  FileSystemError,
  NodeFileSystem,
} from "@stratalog/log-store";
import {
  callUnary,
  createServiceClient,
  type ServiceClient,
  type Services,
} from "@stratalog/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "./broker.ts";
import { loadBrokerConfig } from "./config/load-broker-config.ts";
import { nodeEnvironment } from "./environment.ts";

// One broker's life, on real ports and files of its own.

let directory = "";
const fatal: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-broker-"));
  fatal.length = 0;
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
  expect(fatal).toEqual([]);
});

/** A disk that refuses every sync from a moment on, as a dying one does. */
function failingFileSystem(disk: { readonly isBroken: boolean }): FileSystem {
  const real = new NodeFileSystem();
  return new Proxy(real, {
    get(target, name) {
      if (name !== "open") {
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      }
      return async (...call: Parameters<FileSystem["open"]>): Promise<FileHandle> => {
        const handle = await target.open(...call);
        const sync = handle.dataSync.bind(handle);
        handle.dataSync = () =>
          disk.isBroken
            ? Promise.reject(new FileSystemError("EIO", "dataSync", handle.path))
            : sync();
        return handle;
      };
    },
  });
}

function start(...flags: readonly string[]): Promise<Broker> {
  return startOn(new NodeFileSystem(), ...flags);
}

function startOn(fileSystem: FileSystem, ...flags: readonly string[]): Promise<Broker> {
  const ports = ["client", "peer", "http"].map((port) => `listeners.${port}.port=0`);
  const own = ["node.id=1", `data.dir=${join(directory, "data")}`, "wal.file.bytes=1048576"];
  const config = loadBrokerConfig({ flags: [...own, ...ports, ...flags] });
  const onFatal = (reason: string): void => void fatal.push(reason);
  const environment = nodeEnvironment(config, { logger: silentLogger, onFatal });
  return startBroker({ ...environment, fileSystem }, config);
}

async function page(broker: Broker, path: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}${path}`);
  return { status: answer.status, body: await answer.text() };
}

/** The code that a call ends with, or OK. */
async function ask(
  broker: Broker,
  call: (admin: ServiceClient<Services["AdminService"]>, deadlineMs: number) => Promise<unknown>,
): Promise<string> {
  const address = `127.0.0.1:${broker.ports.client}`;
  const admin = createServiceClient("AdminService", { address });
  try {
    await call(admin, Date.now() + 2_000);
    return "OK";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    admin.close();
  }
}

function listTopics(broker: Broker): Promise<string> {
  return ask(broker, (admin, deadlineMs) =>
    callUnary((...call) => admin.listTopics(...call), {}, { deadlineMs }),
  );
}

function createTopic(broker: Broker): Promise<string> {
  return ask(broker, (admin, deadlineMs) =>
    callUnary((...call) => admin.createTopic(...call), { name: "orders" }, { deadlineMs }),
  );
}

describe("a broker alone", () => {
  it("is ready once it has formed a cluster of its own, and comes back as part of it", async () => {
    const first = await start();
    await first.ready;
    expect(await page(first, "/readyz")).toMatchObject({ status: 200 });
    expect(await listTopics(first)).toBe("OK");
    await Promise.all([first.stop(), first.stop()]);
    const second = await start();
    await second.ready;
    expect(await listTopics(second)).toBe("OK");
    await second.stop();
  });

  it("gives everything back when it cannot start", async () => {
    const first = await start();
    const port = first.ports.client;
    await expect(start()).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });
    const other = `data.dir=${join(directory, "other")}`;
    const taken = start(other, `listeners.client.port=${port}`);
    await expect(taken).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    const next = await start(other);
    await next.stop();
    await first.stop();
  });
});

describe("a broker whose disk fails", () => {
  it("says that it cannot go on, and is not healthy from then on", async () => {
    const disk = { isBroken: false };
    const broker = await startOn(failingFileSystem(disk));
    await broker.ready;
    expect(await page(broker, "/healthz")).toMatchObject({ status: 200 });
    disk.isBroken = true;
    expect(await createTopic(broker)).not.toBe("OK");
    expect(fatal).toEqual(["the log store cannot write"]);
    const health = await page(broker, "/healthz");
    expect(health.status).toBe(503);
    expect(health.body).toContain("the log store cannot write");
    fatal.length = 0;
    // A process ends here; in this one what is left must still let go of its files.
    await broker.stop();
  }, 20_000);
});

describe("a broker whose cluster has not formed", () => {
  const seeds = "seeds=1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3";

  it("lives, is not ready, says why, and answers clients with an error that they retry", async () => {
    const broker = await start(seeds);
    expect(await page(broker, "/healthz")).toMatchObject({ status: 200 });
    const readiness = await page(broker, "/readyz");
    expect(readiness.status).toBe(503);
    expect(readiness.body).toContain("has not formed");
    expect(await listTopics(broker)).toBe("CLUSTER_NOT_FORMED");
    await broker.stop();
  });

  it("stops at once, and whoever waited for it hears that", async () => {
    const broker = await start(seeds);
    const startMs = performance.now();
    await broker.stop();
    expect(performance.now() - startMs).toBeLessThan(3_000);
    await expect(broker.ready).rejects.toMatchObject({ code: "CLOSED" });
  });
});
