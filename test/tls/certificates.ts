import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { canRun, repositoryRoot } from "../skips.ts";

/** Whether certificates can be made here. */
export function canMakeCertificates(name: string): boolean {
  return canRun({
    need: "openssl",
    isMet: spawnSync("openssl", ["version"]).status === 0,
    name,
    reason: "openssl is not installed",
  });
}

const LOOPBACK = ["127.0.0.1", "localhost"];

/** Makes, or renews, the certificates of a directory with the project's own command. */
export function makeCertificates(directory: string, names: readonly string[] = LOOPBACK): void {
  const program = join(repositoryRoot, "cluster/make-certs.mjs");
  const hosts = names.flatMap((name) => ["--host", name]);
  execFileSync(process.execPath, [program, directory, "--replace", ...hosts], { stdio: "pipe" });
}

/** The contents of a file of the directory. */
export function pemOf(directory: string, name: string): string {
  return readFileSync(join(directory, name), "utf8");
}

/** Settings that encrypt a listener with a directory's certificates. */
export function tlsSettings(
  listener: "client" | "external" | "http" | "peer",
  directory: string,
  clientAuth: "none" | "required",
): Record<string, string> {
  const prefix = `listeners.${listener}.tls`;
  return {
    [`${prefix}.cert.file`]: join(directory, "broker.crt"),
    [`${prefix}.key.file`]: join(directory, "broker.key"),
    [`${prefix}.ca.file`]: join(directory, "ca.crt"),
    [`${prefix}.client.auth`]: clientAuth,
  };
}
