import { connect } from "node:net";
import { silentLogger } from "@stratalog/base";
import { afterEach, describe, expect, it } from "vitest";
import { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import { addProcessMetrics } from "../telemetry/process-metrics.ts";
import { type BrokerHealth, brokerPages } from "./broker-pages.ts";
import { HEADER_BYTES_MAX, HttpListener, type Pages } from "./http-listener.ts";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(
  pages: Pages,
  { port = 0, ...bounds }: { readonly port?: number; readonly requestMs?: number } = {},
): Promise<string> {
  const options = { host: "127.0.0.1", port, pages, logger: silentLogger, ...bounds };
  const listener = new HttpListener(options);
  stops.push(() => listener.stop());
  return `http://127.0.0.1:${await listener.start()}`;
}

/** Sends bytes and gives what comes back until the connection closes. */
function raw(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
    socket.end(bytes);
  });
}

describe("the broker's pages", () => {
  it("tell life from readiness, with reasons", async () => {
    const health = { fatal: undefined as string | undefined, reasons: ["no controller"] };
    const source: BrokerHealth = {
      fatalReason: () => health.fatal,
      unreadyReasons: () => health.reasons,
    };
    const url = await serve(brokerPages(source, new BrokerMetrics()));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const unready = await fetch(`${url}/readyz`);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toEqual({ ready: false, reasons: ["no controller"] });
    health.reasons = [];
    expect((await fetch(`${url}/readyz?verbose`)).status).toBe(200);
    health.fatal = "a sync failed";
    const dead = await fetch(`${url}/healthz`);
    expect([dead.status, await dead.text()]).toEqual([503, "a sync failed\n"]);
  });

  it("show metrics in Prometheus' text, by name and unit", async () => {
    const metrics = new BrokerMetrics();
    const stopMeasuring = addProcessMetrics(metrics);
    let led = 3;
    metrics.addGauge({ name: "partitions_led", help: "Led here.", read: () => led });
    metrics.addCounter({ name: "wal_syncs", help: "Syncs.", read: () => led * 10 });
    metrics.appended(100, 5);
    metrics.appendFailed("NOT_LEADER");
    metrics.fetched(2, 50);
    metrics.fetchFailed("OFFSET_OUT_OF_RANGE");
    metrics.answered("/stratalog.v1.FetchService/Fetch", "OK", 7);
    metrics.streamOpened("s");
    metrics.streamClosed("s", "ABORTED");
    const health = { fatalReason: () => undefined, unreadyReasons: () => [] };
    const url = await serve(brokerPages(health, metrics));
    await fetch(`${url}/metrics`);
    led = 4;
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("content-type")).toContain("text/plain");
    const text = await answer.text();
    for (const line of [
      "stratalog_produce_bytes_total 100",
      'stratalog_produce_errors_total{code="NOT_LEADER"} 1',
      'stratalog_produce_seconds_bucket{le="0.005"} 1',
      "stratalog_fetch_batches_total 2",
      'stratalog_fetch_errors_total{code="OFFSET_OUT_OF_RANGE"} 1',
      'stratalog_grpc_calls_total{method="/stratalog.v1.FetchService/Fetch",code="OK"} 1',
      'stratalog_grpc_streams_open{method="s"} 0',
      "stratalog_partitions_led 4",
      "stratalog_wal_syncs_total 40",
      "stratalog_process_resident_memory_bytes",
    ]) {
      expect(text).toContain(line);
    }
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    expect(names.length).toBeGreaterThan(12);
    for (const [, name, type] of names) {
      expect(name).toMatch(/^stratalog_[a-z_]+$/);
      expect(name?.endsWith("_total"), name).toBe(type === "counter");
    }
    stopMeasuring();
  });
});

describe("HttpListener", () => {
  const pages: Pages = {
    "/": () => ({ status: 200, contentType: "text/plain", body: "hello" }),
    "/bug": () => {
      throw new TypeError("secret");
    },
  };

  it("serves GET and HEAD of its pages and nothing else", async () => {
    const url = await serve(pages);
    expect(await (await fetch(url)).text()).toBe("hello");
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(url, { method: "POST", body: "x".repeat(100_000) })).status).toBe(405);
    expect((await fetch(`${url}/../etc/passwd`)).status).toBe(404);
    expect((await fetch(`${url}/__proto__`)).status).toBe(404);
    const broken = await fetch(`${url}/bug`);
    expect([broken.status, await broken.text()]).toEqual([500, "internal error\n"]);
  });

  it("closes connections that speak no HTTP or too much of it", async () => {
    const url = await serve(pages);
    expect(await raw(url, "\x16\x03\x01 nonsense\r\n\r\n")).toBe("");
    expect(await raw(url, `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`)).not.toContain(
      "200",
    );
    expect((await fetch(url)).status).toBe(200);
  });

  it("takes headers of HEADER_BYTES_MAX and none of more", async () => {
    const url = await serve(pages);
    const request = (bytes: number): string => {
      const around = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: \r\n\r\n";
      return around.replace("x: ", `x: ${"y".repeat(bytes - around.length)}`);
    };
    // Node counts a little less than the bytes of the headers.
    expect(await raw(url, request(HEADER_BYTES_MAX))).toContain("200 OK");
    expect(await raw(url, request(HEADER_BYTES_MAX + 100))).not.toContain("200");
  });

  it("gives a request its time to come, and no more", async () => {
    const url = await serve(pages, { requestMs: 400 });
    for (const begun of ["", "GET / HTTP/1.1\r\nhost:"]) {
      const startMs = performance.now();
      const socket = connect(Number(new URL(url).port), "127.0.0.1").resume();
      socket.on("error", () => {});
      socket.write(begun);
      await new Promise((resolve) => socket.once("close", resolve));
      expect(performance.now() - startMs).toBeGreaterThan(350);
      expect(performance.now() - startMs).toBeLessThan(4_000);
    }
    expect((await fetch(url)).status).toBe(200);
  });

  it("says that a port is taken", async () => {
    const url = await serve(pages);
    const second = serve(pages, { port: Number(new URL(url).port) });
    await expect(second).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
  });
});
