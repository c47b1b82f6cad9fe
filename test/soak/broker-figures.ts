import type { BrokerProcess } from "../integration/broker-process.ts";

/** What one broker says of itself at one time. */
export interface BrokerFigures {
  readonly broker: number;
  readonly residentMiB: number;
  readonly heapUsedMiB: number;
  /** Raft groups led from here. */
  readonly ledCount: number;
  readonly leaderChangeCount: number;
  readonly cpuSeconds: number;
  readonly eventLoopDelayMs: number;
  readonly streamsOpen: number;
}

const MIB = 1024 * 1024;

/** The figures from a broker's metrics page; undefined while it does not answer. */
export async function figuresOf(broker: BrokerProcess): Promise<BrokerFigures | undefined> {
  const page = await broker.get("/metrics");
  if (page === undefined || page.status !== 200) return undefined;
  const sum = (name: string): number => sumOf(page.body, name);
  return {
    broker: broker.plan.id,
    residentMiB: round(sum("stratalog_process_resident_memory_bytes") / MIB),
    heapUsedMiB: round(sum("stratalog_process_heap_used_bytes") / MIB),
    ledCount: sum("stratalog_raft_leaders"),
    leaderChangeCount: sum("stratalog_raft_leader_changes_total"),
    cpuSeconds: round(sum("stratalog_process_cpu_seconds_total")),
    eventLoopDelayMs: round(sum("stratalog_event_loop_delay_seconds") * 1_000),
    streamsOpen: sum("stratalog_grpc_streams_open"),
  };
}

/** The sum over all labels of one metric in Prometheus' text; 0 when there is none. */
export function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(name)) continue;
    const after = line.at(name.length);
    if (after !== " " && after !== "{") continue;
    sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
