// What a broker exports, what is written about it, and what the dashboard shows must be the same.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startTestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../integration/free-ports.ts";
import { repositoryRoot } from "../skips.ts";
import { type MetricFamily, metricFamilies, metricsPage } from "./metrics-page.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

const SUFFIXES = /(?:_bucket|_sum|_count)$/;

let families: readonly MetricFamily[] = [];
let text = "";
let panels: readonly Panel[] = [];
let stop: () => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  const [http = 0] = await freePorts(1);
  const cluster = await startTestCluster({ settings: { "listeners.http.port": http } });
  stop = () => cluster.stop();
  const client = cluster.connect();
  await client.admin().createTopic({ name: "orders", partitions: 2 });
  await client.producer().send({ topic: "orders", key: "k", value: "v" });
  // A refusal, a read and a group, so that every family has its labels.
  await client
    .admin()
    .describeTopic("nowhere")
    .catch(() => undefined);
  const consumer = client.consumer({ group: "billing", topics: ["orders"], fromBeginning: true });
  for await (const record of consumer) {
    expect(record.text()).toBe("v");
    break;
  }
  await consumer.close();
  await client.close();
  text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
  families = metricFamilies(text);
  const dashboard: unknown = JSON.parse(
    await readFile(join(repositoryRoot, "cluster/grafana-dashboard.json"), "utf8"),
  );
  // The file is ours; what is used of it is looked at below.
  panels = (dashboard as { readonly panels: readonly Panel[] }).panels;
});

afterAll(() => stop());

describe("the metrics of a broker", () => {
  it("have names with units at their end, and a help for people", () => {
    expect(families.length).toBeGreaterThan(30);
    for (const { name, type, help } of families) {
      expect(name).toMatch(/^stratalog_[a-z0-9_]+$/);
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect([name, help.endsWith("."), name.includes("_ms")]).toEqual([name, true, false]);
      if (type === "histogram") expect(name).toMatch(/_(?:seconds|bytes)$/);
    }
  });

  it("have no label that grows with partitions or clients", () => {
    const known = ["code", "group", "method", "node", "topic"];
    expect([...new Set(families.flatMap(({ labels }) => labels))].toSorted()).toEqual(known);
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(lines.length).toBeLessThan(600);
  });

  it("are written down in METRICS.md, all of them and no others", async () => {
    const path = join(repositoryRoot, "packages/broker/METRICS.md");
    await expect(metricsPage(families)).toMatchFileSnapshot(path);
  });
});

describe("the dashboard", () => {
  const shown = (): readonly string[] =>
    panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => expr.match(/stratalog_[a-z0-9_]+/g) ?? []),
    );

  it("shows metrics that are exported", () => {
    const exported = new Set(families.map(({ name }) => name));
    const histograms = new Set(
      families.filter(({ type }) => type === "histogram").map(({ name }) => name),
    );
    const unknown = shown().filter((name) => {
      if (exported.has(name) && !histograms.has(name)) return false;
      return !histograms.has(name.replace(SUFFIXES, ""));
    });
    expect(shown().length).toBeGreaterThan(20);
    expect(unknown).toEqual([]);
  });

  it("shows what operators look for", () => {
    for (const name of [
      "stratalog_produce_bytes_total",
      "stratalog_fetch_bytes_total",
      "stratalog_produce_seconds_bucket",
      "stratalog_group_lag_records",
      "stratalog_under_replicated_partitions",
      "stratalog_partitions_leaderless",
      "stratalog_wal_sync_seconds_total",
      "stratalog_raft_leader_changes_total",
      "stratalog_event_loop_delay_seconds",
      "stratalog_process_resident_memory_bytes",
    ]) {
      expect(shown()).toContain(name);
    }
  });

  it("has panels with titles, numbers of their own, and units", () => {
    const drawn = panels.filter(({ type }) => type !== "row");
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, description, fieldConfig, targets } of drawn) {
      expect([title, title.length > 3, fieldConfig?.defaults.unit !== undefined]).toEqual([
        title,
        true,
        true,
      ]);
      expect([title, (description ?? "").endsWith(".")]).toEqual([title, true]);
      expect([title, (targets ?? []).length > 0]).toEqual([title, true]);
    }
  });
});
