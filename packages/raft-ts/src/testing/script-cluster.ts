import type { Message } from "../core/messages.ts";
import { isLocalWorker, type ReplicaId, type Snapshot } from "../core/types.ts";
import { describeMessage } from "./describe/describe-message.ts";
import { describeReady } from "./describe/describe-ready.ts";
import { ScriptError } from "./script/arguments.ts";
import { ScriptNode, type ScriptNodeOptions } from "./script-node.ts";
import { ScriptOutput } from "./script-output.ts";

/** To whom messages are handed, and which. */
export interface Delivery {
  readonly to: ReplicaId;
  readonly how: "deliver" | "drop";
  /** Only this type; every type without it. */
  readonly type?: Message["type"] | undefined;
}

/** The replicas of a script, numbered from 1, and the messages between them. */
export class ScriptCluster {
  readonly output = new ScriptOutput();
  readonly #nodes: ScriptNode[] = [];
  #messages: Message[] = [];

  get nodes(): readonly ScriptNode[] {
    return this.#nodes;
  }

  node(id: ReplicaId): ScriptNode {
    const node = this.#nodes[id - 1];
    if (node === undefined) throw new ScriptError(`there is no replica ${id}`);
    return node;
  }

  add(options: ScriptNodeOptions, start: Snapshot): void {
    this.#nodes.push(new ScriptNode(this.#nodes.length + 1, options, start));
  }

  enqueue(messages: readonly Message[]): void {
    this.#messages.push(...messages);
  }

  hasMessagesTo(id: ReplicaId): boolean {
    return this.#messages.some((message) => message.to === id);
  }

  /** Hands over, or drops, what waits for a replica; how many messages that were. */
  deliver({ to, how, type }: Delivery): number {
    const isMeant = (message: Message): boolean =>
      message.to === to &&
      (type === undefined || message.type === type) &&
      // What a replica says to itself and to its workers does not get lost.
      !(how === "drop" && isLocal(message));
    const taken = this.#messages.filter((message) => isMeant(message));
    this.#messages = this.#messages.filter((message) => !isMeant(message));
    for (const message of taken) {
      this.output.write(`${how === "drop" ? "dropped: " : ""}${describeMessage(message)}\n`);
      if (how === "deliver") this.#step(message);
    }
    return taken.length;
  }

  #step(message: Message): void {
    switch (this.node(message.to).raft.step(message)) {
      case "taken":
        return;
      case "proposal-dropped":
        return this.output.write("raft proposal dropped\n");
      case "unknown-sender":
        return this.output.write("raft: cannot step as peer not found\n");
      case "not-a-peer-message":
        return this.output.write("raft: cannot step raft local message\n");
    }
  }

  /** Takes one Ready and does, or queues, what it asks for. */
  processReady(id: ReplicaId): void {
    const node = this.node(id);
    const ready = node.raft.ready();
    this.output.write(describeReady(ready));
    if (!node.isAsync) {
      node.write(ready.hardState, ready.snapshot, ready.entries);
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (message.type === "storage-append") node.appendWork.push(message);
      else if (message.type === "storage-apply") node.applyWork.push(message);
      else this.#messages.push(message);
    }
    if (!node.isAsync) node.raft.advance(ready);
  }

  /** One piece of work of the append worker. */
  processAppendThread(id: ReplicaId): void {
    const node = this.node(id);
    const work = node.appendWork.shift();
    if (work === undefined) {
      this.output.write("no append work to perform");
      return;
    }
    this.output.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    node.write(work.hardState, work.snapshot, work.entries);
    this.#respond(work.responses);
  }

  /** One piece of work of the apply worker. */
  processApplyThread(id: ReplicaId): void {
    const node = this.node(id);
    const work = node.applyWork.shift();
    if (work === undefined) {
      this.output.write("no apply work to perform");
      return;
    }
    this.output.write(`Processing:\n${describeMessage({ ...work, responses: [] })}\n`);
    node.apply(work.entries);
    this.#respond(work.responses);
  }

  #respond(responses: readonly Message[]): void {
    this.output.write("Responses:\n");
    for (const response of responses) this.output.write(`${describeMessage(response)}\n`);
    this.enqueue(responses);
  }
}

function isLocal(message: Message): boolean {
  return message.from === message.to || isLocalWorker(message.from) || isLocalWorker(message.to);
}
