import { CodedError, type Timers } from "@stratalog/base";
import type { Principal } from "./principal.ts";
import type { ClusterMetadata } from "./ports.ts";

/** What a service knows of the call that it answers. */
export interface CallContext {
  /** Name of the listener that the client came through; answers name the addresses of that one. */
  readonly listener: string;
  /** Address of the client. */
  readonly peer: string;
  /** Who the client is. */
  readonly principal: Principal;
  /** Milliseconds that are left for the call. */
  readonly timeoutMs: number;
  /** Aborts when the client gave up or its time is over. */
  readonly signal: AbortSignal;
}

/**
 * Resolves as soon as a change of the metadata makes `isThere` true; false when that takes longer
 * than the limit.
 */
export function metadataShows(
  metadata: ClusterMetadata,
  isThere: () => boolean,
  limit: { readonly timers: Timers; readonly timeoutMs: number },
): Promise<boolean> {
  if (isThere()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (answer: boolean): void => {
      timer.cancel();
      stop();
      resolve(answer);
    };
    const timer = limit.timers.after(limit.timeoutMs, () => finish(false));
    const stop = metadata.onChange(() => {
      if (isThere()) finish(true);
    });
  });
}

/** Refuses what needs a cluster before there is one. */
export function checkFormed(metadata: ClusterMetadata): void {
  if (metadata.image.clusterId !== undefined) return;
  throw new CodedError(
    "CLUSTER_NOT_FORMED",
    "the brokers have not formed their cluster yet; retry",
  );
}
