import type { BrokerId, Clock, GroupNumber } from "@stratalog/base";
import { frameIn } from "../core/entry-frames.ts";
import type { HostLimits } from "../core/host-limits.ts";
import { decodeWireMessages } from "../core/wire-codec.ts";
import type { WireMessage } from "../core/wire-message.ts";
import type { FrameCodec } from "../ports/frame.ts";
import type { Elections } from "./elections.ts";
import type { HostedGroup } from "./hosted-group.ts";
import type { Rests } from "./rests.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";

/** What an inbox needs. */
export interface InboxOptions {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly codec: FrameCodec;
  readonly limits: HostLimits;
  readonly group: (group: GroupNumber) => HostedGroup | undefined;
  readonly rests: Rests;
  readonly elections: Elections;
  readonly markDirty: (group: HostedGroup) => void;
  readonly takesRecords: (group: GroupNumber) => boolean;
  /** A message for a replica that does not run here. */
  readonly onStray: (message: WireMessage) => void;
}

/** Where messages of other hosts come in: each goes to its replica's core, or to the links. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #snapshots: SnapshotReceiver;
  readonly #nowMs: () => number;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#nowMs = () => options.clock.monotonicMs();
    this.#snapshots = new SnapshotReceiver(options.limits);
  }

  /** Takes a batch in. Throws MalformedMessageError, having acted on nothing, when it is none. */
  receive(from: BrokerId, payload: Uint8Array): void {
    const { codec, brokerId, rests } = this.#options;
    for (const received of decodeWireMessages(payload, codec, { from, to: brokerId })) {
      const { message, group } = received;
      if (message.type === "beat" || message.type === "beat-answer") {
        rests.handle(from, message);
        continue;
      }
      const hosted = this.#options.group(group);
      if (hosted === undefined || hosted.hasFailed || hosted.self !== message.to) {
        this.#options.onStray(received);
      } else {
        this.#deliver(hosted, from, received);
      }
    }
  }

  /** A group is gone: so are the parts of its snapshots. */
  drop(group: GroupNumber): void {
    this.#snapshots.drop(group);
  }

  #deliver(hosted: HostedGroup, from: BrokerId, { group, message, rests }: WireMessage): void {
    if (message.type === "beat" || message.type === "beat-answer") return;
    if (message.type === "stopped") {
      if (!hosted.stoppedPeers.add(message.from, this.#nowMs())) return;
      hosted.node.reportUnreachable(message.from);
      this.#options.elections.handleStopped(hosted, message.from);
      this.#options.markDirty(hosted);
      return;
    }
    if (hosted.stoppedPeers.areLastWords(message.from, this.#nowMs)) return;
    if (message.type === "snapshot-part") {
      const whole = this.#snapshots.add(group, message);
      if (whole !== undefined) hosted.node.step(whole);
    } else {
      const isRefused =
        message.type === "append" &&
        !this.#options.takesRecords(group) &&
        message.entries.some((entry) => frameIn(entry)?.kind === "data");
      // The leader asks again with its next heartbeat; its life is noticed all the same.
      if (!isRefused) hosted.node.step(message);
      this.#options.elections.handleHeard(from, message, hosted);
    }
    this.#options.markDirty(hosted);
    if (rests !== true) return;
    if (message.type === "heartbeat") hosted.rest.ask();
    else this.#options.rests.agree(hosted, message.from);
  }
}
