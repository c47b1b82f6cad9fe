import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stratalog/base";
import { callUnary, createServiceClient, type GetMetadataResponse } from "@stratalog/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "./broker.ts";
import { loadBrokerConfig } from "./config/load-broker-config.ts";
import { nodeEnvironment } from "./environment.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-listeners-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function start(...flags: readonly string[]): Promise<Broker> {
  const ports = ["client", "peer", "http"].map((port) => `listeners.${port}.port=0`);
  const own = ["node.id=1", `data.dir=${join(directory, "data")}`, "wal.file.bytes=1048576"];
  const config = loadBrokerConfig({ flags: [...own, ...ports, ...flags] });
  return await startBroker(nodeEnvironment(config, { logger: silentLogger }), config);
}

async function metadata(port: number): Promise<GetMetadataResponse> {
  const client = createServiceClient("MetadataService", { address: `127.0.0.1:${port}` });
  try {
    const options = { deadlineMs: Date.now() + 5_000 };
    return await callUnary((...call) => client.getMetadata(...call), {}, options);
  } finally {
    client.close();
  }
}

describe("a broker with two ports for clients", () => {
  it("answers each with the addresses of the port that the client came through", async () => {
    const broker = await start(
      "listeners.client.advertised.host=broker-1.test",
      "listeners.client.advertised.port=9095",
      "listeners.external.port=0",
      "listeners.external.advertised.host=outside.test",
    );
    await broker.ready;
    const { client, external } = broker.ports;
    const [inside, outside] = [await metadata(client), await metadata(external ?? 0)];
    expect(inside.brokers).toMatchObject([{ host: "broker-1.test", port: 9095 }]);
    expect(outside.brokers).toMatchObject([{ host: "outside.test", port: external }]);
    await broker.stop();
  });

  it("gives the first back when the second cannot be bound", async () => {
    const first = await start();
    const other = `data.dir=${join(directory, "other")}`;
    const taken = start(other, `listeners.external.port=${first.ports.http}`);
    await expect(taken).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    const next = await start(other);
    expect(next.ports.external).toBeUndefined();
    await next.stop();
    await first.stop();
  });
});
