import type { Message } from "../../core/messages.ts";
import {
  APPEND_WORKER,
  APPLY_WORKER,
  type Entry,
  NO_REPLICA,
  type ReplicaId,
  type Snapshot,
} from "../../core/types.ts";
import { describeConfState } from "./describe-conf-change.ts";
import { describeEntry } from "./describe-entry.ts";

/** How scripts name the types of messages. */
export const MESSAGE_NAMES: Readonly<Record<Message["type"], string>> = {
  append: "MsgApp",
  "append-response": "MsgAppResp",
  heartbeat: "MsgHeartbeat",
  "heartbeat-response": "MsgHeartbeatResp",
  "vote-request": "MsgVote",
  "vote-response": "MsgVoteResp",
  "pre-vote-request": "MsgPreVote",
  "pre-vote-response": "MsgPreVoteResp",
  snapshot: "MsgSnap",
  propose: "MsgProp",
  "transfer-leader": "MsgTransferLeader",
  "timeout-now": "MsgTimeoutNow",
  "read-index": "MsgReadIndex",
  "read-index-response": "MsgReadIndexResp",
  "storage-append": "MsgStorageAppend",
  "storage-append-response": "MsgStorageAppendResp",
  "storage-apply": "MsgStorageApply",
  "storage-apply-response": "MsgStorageApplyResp",
};

/** What the one line about any message shows. */
interface MessageFields {
  readonly logTerm?: number;
  readonly index?: number;
  readonly rejectHint?: number;
  readonly commit?: number;
  readonly vote?: ReplicaId;
  readonly entries?: readonly Entry[];
  readonly snapshot?: Snapshot | undefined;
  readonly responses?: readonly Message[];
}

/**
 * `from->to Type Term:t Log:term/index …`, and nested lines for entries, a snapshot and responses.
 */
export function describeMessage(message: Message, indent = ""): string {
  const fields = fieldsOf(message);
  const { from, to, term } = message;
  let text = `${indent}${target(from)}->${target(to)} ${MESSAGE_NAMES[message.type]}`;
  text += ` Term:${term} Log:${fields.logTerm ?? 0}/${fields.index ?? 0}`;
  if ("reject" in message && message.reject) text += ` Rejected (Hint: ${fields.rejectHint ?? 0})`;
  if (fields.commit !== undefined && fields.commit > 0) text += ` Commit:${fields.commit}`;
  if (fields.vote !== undefined && fields.vote !== NO_REPLICA) text += ` Vote:${fields.vote}`;
  text += describeNestedEntries(fields.entries ?? [], indent);
  if (fields.snapshot !== undefined) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(fields.snapshot)}`;
  }
  const responses = fields.responses ?? [];
  if (responses.length > 0) {
    const lines = responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
    text += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return text;
}

/** Position and configuration; the state itself is not shown. */
export function describeSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

function describeNestedEntries(entries: readonly Entry[], indent: string): string {
  const [first] = entries;
  if (first === undefined) return "";
  if (entries.length === 1) return ` Entries:[${describeEntry(first)}]`;
  const lines = entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
  return ` Entries:[${lines.join("")}\n${indent}]`;
}

function target(id: ReplicaId): string {
  if (id === NO_REPLICA) return "None";
  if (id === APPEND_WORKER) return "AppendThread";
  if (id === APPLY_WORKER) return "ApplyThread";
  return id.toString(16);
}

function fieldsOf(message: Message): MessageFields {
  switch (message.type) {
    case "append":
      return { ...message, logTerm: message.prevTerm, index: message.prevIndex };
    case "append-response":
      return { index: message.index, logTerm: message.hintTerm, rejectHint: message.hintIndex };
    case "vote-request":
    case "pre-vote-request":
      return { index: message.lastIndex, logTerm: message.lastTerm };
    case "storage-append": {
      const { hardState, entries, snapshot, responses } = message;
      const hard =
        hardState === undefined ? {} : { commit: hardState.commit, vote: hardState.vote };
      return { ...hard, entries, snapshot, responses };
    }
    case "storage-apply":
      return { entries: message.entries, responses: message.responses };
    case "heartbeat":
    case "snapshot":
    case "propose":
    case "read-index-response":
    case "storage-append-response":
    case "storage-apply-response":
      return message;
    case "heartbeat-response":
    case "vote-response":
    case "pre-vote-response":
    case "transfer-leader":
    case "timeout-now":
    case "read-index":
      return {};
  }
}
