import type { Logger, Timer, Timers } from "@stratalog/base";
import type { BrokerConfig } from "../config/broker-config.ts";
import { exposedListeners } from "../config/listener-config.ts";

/** How often it is said again. */
const REPEAT_MS = 60_000;

/**
 * Says now and every minute which listeners hand the data to the network unencrypted; nothing when
 * there are none. Returns how to stop.
 */
export function warnOfExposure(options: {
  readonly listeners: BrokerConfig["listeners"];
  readonly timers: Timers;
  readonly logger: Logger;
}): () => void {
  const { timers, logger } = options;
  const exposed = exposedListeners(options.listeners).map(({ name, host }) => `${name} (${host})`);
  if (exposed.length === 0) return () => {};
  let timer: Timer | undefined;
  const warn = (): void => {
    logger.warn(
      { listeners: exposed },
      "INSECURE: whoever reaches these listeners reads and writes all data, unencrypted",
    );
    timer = timers.after(REPEAT_MS, warn);
  };
  warn();
  return () => timer?.cancel();
}
