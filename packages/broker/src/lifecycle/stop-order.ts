/**
 * The order of a graceful stop. Clients are sent away and leaderships handed over while everything
 * still works; then the
 * doors close; then Raft, so that nothing is acknowledged any more; then what was acknowledged is
 * sealed.
 */
export const STOP_ORDER = [
  "announcement",
  "disk watch",
  "leaderships",
  "client port",
  "leader gossip",
  "full disks",
  "raft host",
  // Whoever stores state as it closes would otherwise wait for a full disk to have space.
  "ballast",
  "replicas",
  "controller",
  "peers",
  "http port",
  "metrics",
  "exposure warning",
  "deadlines",
  "log store",
  "data directory",
] as const;

export type StopStep = (typeof STOP_ORDER)[number];
