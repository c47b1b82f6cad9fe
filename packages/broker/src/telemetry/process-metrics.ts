import { monitorEventLoopDelay } from "node:perf_hooks";
import type { BrokerMetrics } from "./broker-metrics.ts";

const NANOSECONDS_PER_SECOND = 1e9;
const MILLISECONDS_PER_SECOND = 1_000;
const MICROSECONDS_PER_SECOND = 1e6;
/** Coarse on purpose: the sampling itself is a timer of the event loop. */
const DELAY_RESOLUTION_MS = 50;

/** Adds what the process itself knows. Returns how to stop measuring. */
export function addProcessMetrics(metrics: BrokerMetrics): () => void {
  metrics.addGauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process.",
    read: () => process.memoryUsage.rss(),
  });
  metrics.addGauge({
    name: "process_heap_used_bytes",
    help: "JavaScript heap in use.",
    read: () => process.memoryUsage().heapUsed,
  });
  metrics.addCounter({
    name: "process_cpu_seconds",
    help: "Processor time of the process.",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / MICROSECONDS_PER_SECOND;
    },
  });
  metrics.addGauge({
    name: "process_start_time_seconds",
    help: "When the process began, in seconds since 1970.",
    read: () => performance.timeOrigin / MILLISECONDS_PER_SECOND,
  });
  metrics.addLabelledGauge({
    name: "build_info",
    help: "Always 1; the labels say what runs.",
    labels: ["node"],
    read: () => [{ labels: { node: process.version }, value: 1 }],
  });
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  metrics.addGauge({
    name: "event_loop_delay_seconds",
    help: "Longest delay of the event loop since the last scrape.",
    read: () => {
      const seconds = delay.max / NANOSECONDS_PER_SECOND;
      delay.reset();
      return Number.isFinite(seconds) ? seconds : 0;
    },
  });
  return () => delay.disable();
}
