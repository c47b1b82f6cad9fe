// The port for operators over TLS: what SECURITY.md promises of it.
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { get as getTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../integration/free-ports.ts";
import { canMakeCertificates, makeCertificates, pemOf, tlsSettings } from "./certificates.ts";

interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly maxVersion?: "TLSv1.2";
}

let folder = "";
let ours = "";
let theirs = "";
let port = 0;
let stop: () => Promise<void> = () => Promise.resolve();

/** Status of a page, or the code that asking for it ended with. */
function ask(path: string, certificates?: Certificates): Promise<number | string> {
  return new Promise((resolve) => {
    const address = { host: "127.0.0.1", port, path, agent: false };
    const request =
      certificates === undefined ? get(address) : getTls({ ...address, ...certificates });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? "no status");
    });
    request.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  });
}

/** The certificate that a directory's clients show. */
function shown(directory: string): Certificates {
  return { cert: pemOf(directory, "client.crt"), key: pemOf(directory, "client.key") };
}

describe.skipIf(!canMakeCertificates("the HTTP port over TLS"))("the HTTP port over TLS", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stratalog-http-tls-"));
    ours = join(folder, "ours");
    theirs = join(folder, "theirs");
    makeCertificates(ours);
    makeCertificates(theirs);
    [port = 0] = await freePorts(1);
    const settings = { "listeners.http.port": port, ...tlsSettings("http", ours, "required") };
    const cluster = await startTestCluster({ settings });
    stop = () => cluster.stop();
  });

  afterAll(async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("serves its pages to whoever trusts its authority and shows a certificate of it", async () => {
    const certificates = { ca: pemOf(ours, "ca.crt"), ...shown(ours) };
    const pages = ["/healthz", "/readyz", "/metrics", "/nowhere"];
    const statuses = await Promise.all(pages.map((page) => ask(page, certificates)));
    expect(statuses).toEqual([200, 200, 200, 404]);
  });

  it("is refused by whoever trusts another authority", async () => {
    const certificates = { ca: pemOf(theirs, "ca.crt"), ...shown(ours) };
    expect(await ask("/healthz", certificates)).toMatch(/SIGNATURE|SELF_SIGNED|UNABLE_TO_VERIFY/);
  });

  it("refuses who shows no certificate, or one of another authority", async () => {
    const ca = pemOf(ours, "ca.crt");
    expect(await ask("/healthz", { ca })).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
    expect(await ask("/healthz", { ca, ...shown(theirs) })).toMatch(/^ERR_SSL_|^ECONNRESET$/);
  });

  it("speaks TLS 1.3 and nothing older", async () => {
    const old = { ca: pemOf(ours, "ca.crt"), ...shown(ours), maxVersion: "TLSv1.2" } as const;
    // The alert comes back as EPROTO when a write saw it first.
    expect(await ask("/healthz", old)).toMatch(/^EPROTO$|ALERT_PROTOCOL_VERSION$/);
  });

  it("answers nothing without encryption", async () => {
    expect(await ask("/healthz")).toBe("ECONNRESET");
  });
});
