import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const BLOCK_BYTES = 64 * 1024;
const SMALLEST_BYTES = 1024;

/** Why no small disk can be made on this machine; undefined when one can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== "linux") return "a tmpfs needs Linux";
  if (process.getuid?.() !== 0) return "a file system can only be mounted by root";
  return undefined;
}

/** A file system of a few MiB in memory. */
export class SmallDisk implements Disposable {
  readonly path: string;

  constructor(path: string, sizeMib: number) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "tmpfs", path]);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Somebody else writes until there is not a byte left. */
  fill(name: string): void {
    const file = openSync(join(this.path, name), "w");
    try {
      for (let bytes = BLOCK_BYTES; bytes >= SMALLEST_BYTES; ) {
        try {
          writeSync(file, new Uint8Array(bytes));
        } catch {
          // It is full for a block of this size; a smaller one may fit.
          bytes /= 2;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Somebody else writes so many bytes. */
  take(name: string, bytes: number): void {
    writeFileSync(join(this.path, name), new Uint8Array(bytes));
  }

  remove(name: string): void {
    rmSync(join(this.path, name));
  }

  [Symbol.dispose](): void {
    // Lazily: a process that was just killed may still hold a file for a moment.
    execFileSync("umount", ["-l", this.path]);
  }
}
