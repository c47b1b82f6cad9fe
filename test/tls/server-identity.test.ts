import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientTls, connect } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMakeCertificates, makeCertificates, pemOf } from "./certificates.ts";

let directory = "";

/** Whether a client makes a request of a server with this certificate at 127.0.0.1. */
async function asks(tls: Partial<ClientTls>): Promise<boolean> {
  const cert = pemOf(directory, "broker.crt");
  const server = createSecureServer({ cert, key: pemOf(directory, "broker.key") });
  let wasAsked = false;
  server.on("stream", (stream) => {
    wasAsked = true;
    stream.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const brokers = [`127.0.0.1:${port}`];
  const ca = pemOf(directory, "ca.crt");
  const client = connect({ brokers, tls: { ca, ...tls }, requestTimeoutMs: 500 });
  await expect(client.admin().describeCluster()).rejects.toThrow();
  await client.close();
  server.close();
  return wasAsked;
}

describe.skipIf(!canMakeCertificates("identities of brokers"))("a client over TLS", () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "stratalog-tls-"));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("asks nothing of a server whose certificate is for another host than its address", async () => {
    makeCertificates(directory, ["127.0.0.1"]);
    expect(await asks({})).toBe(true);
    expect(await asks({ serverName: "brokers.test" })).toBe(false);
    makeCertificates(directory, ["brokers.test", "brokers.invalid", "127.0.0.2"]);
    expect(await asks({})).toBe(false);
    expect(await asks({ serverName: "brokers.test" })).toBe(true);
  });
});
