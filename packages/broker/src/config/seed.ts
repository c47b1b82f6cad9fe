import type { Seed } from "./broker-config.ts";

const SEED = /^(\d{1,5})@(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

/** Reads `id@host:port`; undefined when the text is not one. An IPv6 address stands in brackets. */
export function parseSeed(text: string): Seed | undefined {
  const match = SEED.exec(text);
  if (match === null) return undefined;
  const [, id = "", host = "", port = ""] = match;
  const seed: Seed = {
    brokerId: Number(id),
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port: Number(port),
  };
  const isInRange =
    seed.brokerId >= 1 && seed.brokerId <= 65_535 && seed.port >= 1 && seed.port <= 65_535;
  return isInRange ? seed : undefined;
}
