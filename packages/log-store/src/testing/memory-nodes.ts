import type { Random } from "@stratalog/base";

/** What a disk can write without a tear. */
export const SECTOR_BYTES = 512;

type FileChange =
  | { readonly type: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: "truncate"; readonly sizeBytes: number };

interface UnsyncedFileChange {
  readonly change: FileChange;
  /** A sync of it failed: the kernel thinks it clean, so no later sync writes it. */
  isLost: boolean;
}

/**
 * What is not on the disk after a sync: changes that an earlier failed sync lost. They may have
 * reached it at the time, but never over newer ones.
 */
function stillUnsynced<T extends { readonly isLost: boolean }>(changes: readonly T[]): T[] {
  return changes.every(({ isLost }) => isLost) ? [...changes] : [];
}

/** Which unsynced changes a power cut leaves on the disk. */
export interface Survival {
  readonly random: Random;
  /** Probability of each unsynced sector and name to be there: 0 for none, 1 for all. */
  readonly keep: number;
}

function isKept(survival: Survival): boolean {
  return survival.keep >= 1 || (survival.keep > 0 && survival.random.fraction() < survival.keep);
}

/** Bytes that grow as a file does: unwritten ones are zero. */
class Content {
  bytes: Uint8Array;
  sizeBytes: number;

  constructor(bytes: Uint8Array, sizeBytes: number) {
    this.bytes = bytes;
    this.sizeBytes = sizeBytes;
  }

  copy(): Content {
    return new Content(this.bytes.slice(0, this.sizeBytes), this.sizeBytes);
  }

  apply(change: FileChange): void {
    if (change.type === "truncate") {
      this.#reserve(change.sizeBytes);
      if (change.sizeBytes < this.sizeBytes) this.bytes.fill(0, change.sizeBytes, this.sizeBytes);
      this.sizeBytes = change.sizeBytes;
      return;
    }
    const end = change.position + change.bytes.length;
    this.#reserve(end);
    this.bytes.set(change.bytes, change.position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(sizeBytes, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.sizeBytes));
    this.bytes = grown;
  }
}

/** A file: what everyone sees, what is on the disk, and what lies between the two. */
export class MemoryFile {
  #live: Content;
  #durable: Content;
  #unsynced: UnsyncedFileChange[] = [];

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#live = new Content(bytes.slice(), bytes.length);
    this.#durable = new Content(bytes.slice(), bytes.length);
  }

  get sizeBytes(): number {
    return this.#live.sizeBytes;
  }
  get bytes(): Uint8Array {
    return this.#live.bytes.subarray(0, this.#live.sizeBytes);
  }

  change(change: FileChange): void {
    this.#live.apply(change);
    this.#unsynced.push({ change, isLost: false });
  }

  sync(): void {
    for (const { change, isLost } of this.#unsynced) if (!isLost) this.#durable.apply(change);
    this.#unsynced = stillUnsynced(this.#unsynced);
  }

  failSync(): void {
    for (const each of this.#unsynced) each.isLost = true;
  }

  /** The file with its unsynced changes still unsynced: what a killed process leaves. */
  copy(): MemoryFile {
    const copied = new MemoryFile();
    copied.#live = this.#live.copy();
    copied.#durable = this.#durable.copy();
    copied.#unsynced = this.#unsynced.map((each) => ({ ...each }));
    return copied;
  }

  /** The file after a power cut: each sector of each unsynced write is there or not. */
  survivor(survival: Survival): MemoryFile {
    const content = this.#durable.copy();
    for (const { change, isLost } of this.#unsynced) {
      if (isLost && survival.keep < 1) continue;
      if (change.type === "truncate") {
        if (isKept(survival)) content.apply(change);
      } else {
        applySectors(content, change, survival);
      }
    }
    return new MemoryFile(content.bytes.subarray(0, content.sizeBytes));
  }
}

function applySectors(
  content: Content,
  change: FileChange & { readonly type: "write" },
  survival: Survival,
): void {
  const end = change.position + change.bytes.length;
  for (let at = change.position; at < end; ) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (isKept(survival)) {
      const bytes = change.bytes.subarray(at - change.position, next - change.position);
      content.apply({ type: "write", position: at, bytes });
    }
    at = next;
  }
}

export type MemoryNode = MemoryFile | MemoryDirectory;

type NameChange =
  | { readonly type: "link"; readonly name: string; readonly node: MemoryNode }
  | { readonly type: "unlink"; readonly name: string; readonly node: MemoryNode }
  | {
      readonly type: "rename";
      readonly from: string;
      readonly to: string;
      readonly node: MemoryNode;
    };

interface UnsyncedNameChange {
  readonly change: NameChange;
  /** As of a file: a sync of the directory failed. */
  isLost: boolean;
}

function applyName(names: Map<string, MemoryNode>, change: NameChange): void {
  switch (change.type) {
    case "link":
      names.set(change.name, change.node);
      break;
    case "unlink":
      if (names.get(change.name) === change.node) names.delete(change.name);
      break;
    case "rename":
      if (names.get(change.from) === change.node) names.delete(change.from);
      names.set(change.to, change.node);
      break;
  }
}

/** A directory: names are durable once the directory is synced, whatever the files are. */
export class MemoryDirectory {
  readonly names = new Map<string, MemoryNode>();
  #durable = new Map<string, MemoryNode>();
  #unsynced: UnsyncedNameChange[] = [];

  change(change: NameChange): void {
    applyName(this.names, change);
    this.#unsynced.push({ change, isLost: false });
  }

  sync(): void {
    for (const { change, isLost } of this.#unsynced) if (!isLost) applyName(this.#durable, change);
    this.#unsynced = stillUnsynced(this.#unsynced);
  }

  failSync(): void {
    for (const each of this.#unsynced) each.isLost = true;
  }

  copy(copies: Map<MemoryNode, MemoryNode> = new Map()): MemoryDirectory {
    const copied = new MemoryDirectory();
    copies.set(this, copied);
    const copyOf = (node: MemoryNode): MemoryNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node instanceof MemoryFile ? node.copy() : node.copy(copies);
      copies.set(node, made);
      return made;
    };
    for (const [name, node] of this.names) copied.names.set(name, copyOf(node));
    for (const [name, node] of this.#durable) copied.#durable.set(name, copyOf(node));
    copied.#unsynced = this.#unsynced.map(({ change, isLost }) => {
      return { change: { ...change, node: copyOf(change.node) }, isLost };
    });
    return copied;
  }

  /** The directory after a power cut: each unsynced change of a name is there or not. */
  survivor(survival: Survival): MemoryDirectory {
    const names = new Map(this.#durable);
    for (const { change, isLost } of this.#unsynced) {
      if (isLost && survival.keep < 1) continue;
      if (isKept(survival)) applyName(names, change);
    }
    const made = new MemoryDirectory();
    for (const [name, node] of names) {
      const kept = node.survivor(survival);
      made.names.set(name, kept);
      made.#durable.set(name, kept);
    }
    return made;
  }
}
