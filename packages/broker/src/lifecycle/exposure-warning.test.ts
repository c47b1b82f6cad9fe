import { type Logger, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { loadBrokerConfig } from "../config/load-broker-config.ts";
import { warnOfExposure } from "./exposure-warning.ts";

const MINUTE_MS = 60_000;

function warningsOf(...flags: readonly string[]) {
  const { listeners } = loadBrokerConfig({
    flags: ["node.id=1", "data.dir=d", "insecure=true", ...flags],
  });
  const time = new ManualTime();
  const warnings: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields) => void warnings.push(fields["listeners"]),
  };
  const stop = warnOfExposure({ listeners, timers: time, logger });
  return { time, warnings, stop };
}

describe("warnOfExposure", () => {
  it("names the open listeners at the start and every minute, until it is stopped", () => {
    const { time, warnings, stop } = warningsOf(
      "listeners.external.port=1",
      "listeners.external.host=192.0.2.7",
    );
    expect(warnings).toEqual([["external (192.0.2.7)"]]);
    time.advance(2 * MINUTE_MS);
    expect(warnings).toHaveLength(3);
    stop();
    time.advance(2 * MINUTE_MS);
    expect(warnings).toHaveLength(3);
  });

  it("is silent about loopback and about listeners that encrypt", () => {
    const tls = ["cert", "key", "ca"].map((file) => `listeners.peer.tls.${file}.file=f`);
    const { time, warnings } = warningsOf("listeners.peer.host=192.0.2.7", ...tls);
    expect(warnings).toEqual([]);
    expect(time.pendingCount).toBe(0);
  });
});
