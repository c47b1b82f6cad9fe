import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import { type Page, type Pages, plain } from "./http-listener.ts";

/** What the pages ask their broker. */
export interface BrokerHealth {
  /**
   * Why the process should be replaced; undefined while it lives. Asks no quorum: a broker that
   * waits for others lives.
   */
  fatalReason(): string | undefined;
  /** Why clients should not be sent here; empty when they may. */
  unreadyReasons(): readonly string[];
}

/** /healthz, /readyz and /metrics. */
export function brokerPages(health: BrokerHealth, metrics: BrokerMetrics): Pages {
  return {
    "/healthz": () => {
      const reason = health.fatalReason();
      return reason === undefined ? plain(200, "ok") : plain(503, reason);
    },
    "/readyz": () => readiness(health.unreadyReasons()),
    "/metrics": async () => ({
      status: 200,
      contentType: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
  };
}

function readiness(reasons: readonly string[]): Page {
  const isReady = reasons.length === 0;
  return {
    status: isReady ? 200 : 503,
    contentType: "application/json",
    body: `${JSON.stringify({ ready: isReady, reasons })}\n`,
  };
}
