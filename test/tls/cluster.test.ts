import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { type ClientTls, connect, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { repositoryRoot } from "../skips.ts";
import { canMakeCertificates, makeCertificates, pemOf, tlsSettings } from "./certificates.ts";

const run = promisify(execFile);
const PROGRAM = join(repositoryRoot, "packages/cli/bin/strata.js");

let directory = "";
let cluster: ProcessCluster | undefined;

function addresses(): string[] {
  return cluster?.addresses ?? [];
}

function trustedTls(): ClientTls {
  return {
    ca: pemOf(directory, "ca.crt"),
    cert: pemOf(directory, "client.crt"),
    key: pemOf(directory, "client.key"),
  };
}

function trusted(): Stratalog {
  return connect({ brokers: addresses(), tls: trustedTls(), requestTimeoutMs: 15_000 });
}

/** The code that describing the cluster ends with, or OK. */
async function outcome(client: Stratalog): Promise<string> {
  try {
    await client.admin().describeCluster();
    return "OK";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    await client.close();
  }
}

describe.skipIf(!canMakeCertificates("clusters over TLS"))("three brokers over mutual TLS", () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "stratalog-tls-"));
    makeCertificates(directory);
    const settings = {
      ...tlsSettings("client", directory, "required"),
      ...tlsSettings("peer", directory, "required"),
    };
    cluster = await ProcessCluster.start({ brokers: 3, settings });
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it("store and give back on three replicas, without a warning of Node's", async () => {
    const warnings: string[] = [];
    const hear = (warning: Error): void => void warnings.push(String(warning));
    process.on("warning", hear);
    await using client = trusted();
    await client.admin().createTopic({ name: "orders", partitions: 3, replicationFactor: 3 });
    const producer = client.producer();
    const sent = Array.from({ length: 30 }, (_, n) =>
      producer.send({ topic: "orders", key: `k${n}`, value: `v${n}` }),
    );
    await Promise.all(sent);
    let count = 0;
    for await (const _ of client.replay({ topic: "orders", from: "earliest", to: "end" })) count++;
    expect(count).toBe(30);
    process.off("warning", hear);
    expect(warnings).toEqual([]);
  });

  it("refuse clients that do not encrypt, show no certificate or trust another authority", async () => {
    const shared = { brokers: addresses(), requestTimeoutMs: 1_500 };
    const ca = pemOf(directory, "ca.crt");
    const strangers = [connect(shared), connect({ ...shared, tls: true })];
    strangers.push(connect({ ...shared, tls: { ca } }));
    for (const code of await Promise.all(strangers.map(outcome))) expect(code).not.toBe("OK");
    expect(await outcome(trusted())).toBe("OK");
  });

  it("speak TLS 1.3 and nothing older", async () => {
    const [host = "", port = ""] = (addresses()[0] ?? "").split(":");
    const code = await new Promise((resolve) => {
      const socket = connectTls({
        host,
        port: Number(port),
        ca: pemOf(directory, "ca.crt"),
        maxVersion: "TLSv1.2",
      });
      socket.on("error", (error) => resolve("code" in error ? error.code : error.message));
      socket.on("secureConnect", () => resolve("connected"));
    });
    expect(code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  it("are reached by the command line with flags and with variables", async () => {
    const file = (name: string): string => join(directory, name);
    const command = [PROGRAM, "cluster", "status", "-o", "json", "--brokers", addresses().join()];
    const flags = ["--tls-ca", "ca.crt", "--tls-cert", "client.crt", "--tls-key", "client.key"];
    const named = flags.map((flag) => (flag.startsWith("--") ? flag : file(flag)));
    const byFlags = await run(process.execPath, [...command, ...named]);
    const byVariables = await run(process.execPath, command, {
      env: {
        ...process.env,
        STRATALOG_TLS_CA: file("ca.crt"),
        STRATALOG_TLS_CERT: file("client.crt"),
        STRATALOG_TLS_KEY: file("client.key"),
      },
    });
    expect(JSON.parse(byFlags.stdout)).toMatchObject({ brokers: [{}, {}, {}] });
    expect(byFlags.stderr).not.toContain("Warning");
    expect(JSON.parse(byVariables.stdout)).toMatchObject({ brokers: [{}, {}, {}] });
  });

  it("take up new certificates of another authority without a restart", async () => {
    const old = trusted();
    expect(await outcome(old)).toBe("OK");
    const before = pemOf(directory, "ca.crt");
    await rm(join(directory, "ca.key"));
    makeCertificates(directory);
    expect(pemOf(directory, "ca.crt")).not.toBe(before);
    await expect.poll(() => outcome(trusted()), { timeout: 15_000 }).toBe("OK");
    const stale = connect({ brokers: addresses(), tls: { ca: before }, requestTimeoutMs: 1_500 });
    expect(await outcome(stale)).not.toBe("OK");
    // Brokers that meet again do so by the new certificates.
    const broker = cluster?.broker(2);
    await broker?.kill();
    await broker?.start();
  });
});
