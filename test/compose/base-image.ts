import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { realpathSync } from "node:fs";
import { execute } from "./engine.ts";

const DEBIAN = "bookworm";
/** Where the machine's own extra authority stands in the stand-in, for the package registry. */
const AUTHORITY = "/etc/ssl/host/extra.pem";

/** The image to build on, and what to say of it. */
export interface BaseImage {
  readonly reference: string;
  readonly description: string;
}

/**
 * The base image of the environment (`STRATALOG_BASE_IMAGE`), else the one that the Dockerfile names
 * if the engine has it, else a stand-in: a Debian root with this machine's Node in it.
 */
export async function prepareBaseImage(): Promise<BaseImage> {
  const named = process.env["STRATALOG_BASE_IMAGE"];
  if (named !== undefined) return { reference: named, description: named };
  const usual = "node:24-bookworm-slim";
  if (await hasImage(usual)) return { reference: usual, description: usual };
  const reference = `stratalog-stand-in-base:node-${process.versions.node}`;
  const description = `a Debian ${DEBIAN} root with this machine's Node ${process.versions.node}`;
  if (!(await hasImage(reference))) await makeStandIn(reference);
  return { reference, description };
}

async function hasImage(reference: string): Promise<boolean> {
  try {
    await execute(["docker", "image", "inspect", reference]);
    return true;
  } catch {
    // The engine has no such image: that is the answer.
    return false;
  }
}

async function makeStandIn(reference: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "stratalog-base-"));
  try {
    const packages = "--include=ca-certificates";
    await execute(["debootstrap", "--variant=minbase", packages, DEBIAN, root]);
    await copyNode(root);
    const changes: string[] = [];
    const authority = process.env["NODE_EXTRA_CA_CERTS"];
    if (authority !== undefined) {
      await mkdir(dirname(join(root, AUTHORITY)), { recursive: true });
      await cp(authority, join(root, AUTHORITY), { dereference: true });
      changes.push("--change", `ENV NODE_EXTRA_CA_CERTS=${AUTHORITY}`);
    }
    await importRoot(root, [...changes, "-", reference]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Node with its npm, where Debian would have them. */
async function copyNode(root: string): Promise<void> {
  await cp(realpathSync(process.execPath), join(root, "usr/bin/node"));
  const npm = realpathSync((await execute(["sh", "-c", "command -v npm"])).trim());
  const modules = join(root, "usr/lib/node_modules");
  await cp(join(dirname(npm), ".."), join(modules, "npm"), { recursive: true });
  for (const name of ["npm", "npx"]) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, "usr/bin", name));
  }
}

/** Packs a root into an image without a file between. */
async function importRoot(root: string, args: readonly string[]): Promise<void> {
  const pack = spawn("tar", ["-C", root, "-c", "."], { stdio: ["ignore", "pipe", "inherit"] });
  const load = spawn("docker", ["import", ...args], { stdio: ["pipe", "ignore", "inherit"] });
  pack.stdout.pipe(load.stdin);
  const codes = await Promise.all(
    [pack, load].map(
      (child) => new Promise<number | null>((resolve) => child.once("close", resolve)),
    ),
  );
  if (codes.some((code) => code !== 0))
    throw new Error(`tar and docker import ended with ${codes.join()}`);
}
