import type { Entry, EntryData } from "../../core/types.ts";
import { describeConfChangeSteps, type ScriptConfChange } from "./describe-conf-change.ts";

/** `term/index Kind payload`. */
export function describeEntry(entry: Entry): string {
  const position = `${entry.term}/${entry.index}`;
  if (entry.type === "normal") {
    return `${position} EntryNormal ${JSON.stringify(textOf(entry.data))}`;
  }
  const change: ScriptConfChange = entry.change;
  const kind = change.isVersion1 === true ? "EntryConfChange" : "EntryConfChangeV2";
  return `${position} ${kind} ${describeConfChangeSteps(change.changes)}`.trimEnd();
}

/** One line per entry. */
export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join("");
}

/** Payload that scripts propose. */
export class ScriptData implements EntryData {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get byteLength(): number {
    return this.text.length;
  }
}

/** The text of a script's payload; empty for no payload. */
export function textOf(data: EntryData | undefined): string {
  return data instanceof ScriptData ? data.text : "";
}
