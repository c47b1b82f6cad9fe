import type { BrokerId } from "@stratalog/base";

/** Requests between brokers; raft-host's `PeerCalls` fits. What is rejected is a CodedError. */
export interface Calls {
  call(
    peer: BrokerId,
    method: string,
    body: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<Uint8Array>;
  /** Answers a method's calls from now on; once per method. */
  handle(method: string, handler: (from: BrokerId, body: Uint8Array) => Promise<Uint8Array>): void;
}
