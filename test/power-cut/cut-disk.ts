import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { loopDevicesOf } from "./left-over.ts";

const run = promisify(execFile);

/** EXT4_IOC_SHUTDOWN: from now on the file system gives nothing to its device and fails all calls. */
const SHUTDOWN_REQUEST = "0x8004587d";
/** What the file system still does before it goes: nothing, or write its journal but no data. */
export const CUT_FLAGS = { nothing: 2, journal: 1 } as const;
export type CutKind = keyof typeof CUT_FLAGS;

/** Mount options that change what reaches the device unasked. */
export const MOUNT_VARIANTS = ["defaults", "noauto_da_alloc"] as const;
export type MountVariant = (typeof MOUNT_VARIANTS)[number];

const IMAGE_BYTES = 384 * 1024 * 1024;
const RELEASE_MS_MAX = 60_000;
const PROBE_BYTES = 64 * 1024;
const PROBE_FILE = "unsynced.probe";

const PERL = String.raw`
my $flag = pack("L", shift);
my @open = map { open(my $d, "<", $_) or die "$_: $!"; $d } @ARGV;
for my $d (@open) { ioctl($d, ${SHUTDOWN_REQUEST}, $flag) or die "ioctl: $!"; }`;
const PYTHON = `
import fcntl, os, struct, sys
flag = struct.pack("I", int(sys.argv[1]))
opened = [os.open(path, os.O_RDONLY) for path in sys.argv[2:]]
for one in opened: fcntl.ioctl(one, ${SHUTDOWN_REQUEST}, flag)`;

/** Programs that can send an ioctl, which Node cannot. */
const SENDERS = [
  { program: "perl", args: ["-e", PERL] },
  { program: "python3", args: ["-c", PYTHON] },
] as const;

function isThere(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    // Not installed, or it cannot say its version: either way it is no use here.
    return false;
  }
}

const sender = SENDERS.find(({ program }) => isThere(program, ["--version"]));

/** Why no file system can be cut on this machine; undefined when one can. */
export function whyNoCuts(): string | undefined {
  if (process.platform !== "linux") return "ext4 on a loop device needs Linux";
  if (process.getuid?.() !== 0) return "a file system can only be mounted and cut by root";
  if (!isThere("mkfs.ext4", ["-V"])) return "mkfs.ext4 (package e2fsprogs) is not installed";
  if (sender === undefined) return "neither perl nor python3 is there to send the ioctl";
  if (!existsSync("/dev/loop-control")) return "this kernel has no loop devices";
  return undefined;
}

/** An ext4 of its own in an image file, whose power can be cut. */
export class CutDisk {
  readonly mountPoint: string;
  readonly image: string;
  readonly #variant: MountVariant;
  #isMounted = false;

  private constructor(image: string, mountPoint: string, variant: MountVariant) {
    this.image = image;
    this.mountPoint = mountPoint;
    this.#variant = variant;
  }

  /** Makes the image and mounts it. */
  static async create(image: string, mountPoint: string, variant: MountVariant): Promise<CutDisk> {
    await writeFile(image, "");
    await truncate(image, IMAGE_BYTES);
    await run("mkfs.ext4", ["-q", "-F", "-b", "4096", image]);
    await mkdir(mountPoint, { recursive: true });
    const disk = new CutDisk(image, mountPoint, variant);
    await disk.mount();
    return disk;
  }

  /** Cuts the power of disks, one right after the other. */
  static async cut(disks: readonly CutDisk[], kind: CutKind): Promise<void> {
    if (sender === undefined) throw new Error("nothing here can send an ioctl");
    const paths = disks.map(({ mountPoint }) => mountPoint);
    await run(sender.program, [...sender.args, String(CUT_FLAGS[kind]), ...paths]);
  }

  /** Mounts the image; after a cut this replays the journal. */
  async mount(): Promise<void> {
    await run("mount", ["-o", `loop,${this.#variant}`, this.image, this.mountPoint]);
    this.#isMounted = true;
  }

  /**
   * Unmounts and waits for the loop device to go, and with it all that was cached of the image. A
   * container that starts at this moment has a copy of every mount, and holds the old file system
   * a little longer: mounting now would give back the one that was cut.
   */
  async unmount(): Promise<void> {
    if (!this.#isMounted) return;
    await run("umount", [this.mountPoint]);
    this.#isMounted = false;
    const deadlineMs = performance.now() + RELEASE_MS_MAX;
    while (loopDevicesOf(this.image).length > 0) {
      if (performance.now() > deadlineMs) throw new Error(`${this.image} stays in use`);
      await delay(5);
    }
  }

  /** Writes a file without a sync: after a cut its bytes must be gone, or the cut cuts nothing. */
  async writeProbe(): Promise<void> {
    const file = await open(join(this.mountPoint, PROBE_FILE), "w");
    await file.write(new Uint8Array(PROBE_BYTES).fill(0x5a));
    await file.close();
  }

  /** Whether the probe's bytes are gone; takes away what is left of it. */
  async isProbeLost(): Promise<boolean> {
    const path = join(this.mountPoint, PROBE_FILE);
    if (!existsSync(path)) return true;
    const bytes = await readFile(path);
    await rm(path);
    return !(bytes.length === PROBE_BYTES && bytes.every((byte) => byte === 0x5a));
  }

  /** Unmounts, whatever state the file system is in, and removes the image. */
  async destroy(): Promise<void> {
    if (this.#isMounted) await run("umount", ["-l", this.mountPoint]);
    this.#isMounted = false;
    await rm(this.image, { force: true });
  }
}
