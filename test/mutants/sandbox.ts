import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A copy of the sources in which bugs are planted, so that the work tree is never touched. */
export class Sandbox {
  readonly #folder: string;

  constructor(root: string) {
    this.#folder = mkdtempSync(join(tmpdir(), "stratalog-mutants-"));
    const listed = execFileSync(
      "git",
      ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
      { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    for (const path of listed.split("\0").filter((name) => name !== "")) {
      if (!existsSync(join(root, path))) continue;
      mkdirSync(dirname(join(this.#folder, path)), { recursive: true });
      cpSync(join(root, path), join(this.#folder, path));
    }
    symlinkSync(join(root, "node_modules"), join(this.#folder, "node_modules"));
    const members = readdirSync(join(root, "packages")).map((name) => join("packages", name));
    for (const member of [...members, "test", "bench"]) this.#linkModules(root, member);
  }

  /** The links between workspace packages are relative, so their copies point into the copy. */
  #linkModules(root: string, member: string): void {
    const source = join(root, member, "node_modules");
    if (!existsSync(source)) return;
    const options = { recursive: true, verbatimSymlinks: true } as const;
    cpSync(source, join(this.#folder, member, "node_modules"), options);
  }

  read(path: string): string {
    return readFileSync(join(this.#folder, path), "utf8");
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.#folder, path), text);
  }

  /** Runs a check: whether it passes, fails, or does not come back in time. */
  run(command: readonly string[], timeoutMs: number): Promise<"passed" | "failed" | "hung"> {
    return new Promise((resolve, reject) => {
      const [file = "", ...args] = command;
      const child = spawn(join(this.#folder, "node_modules", ".bin", file), args, {
        cwd: this.#folder,
        stdio: "ignore",
        detached: true,
        env: { ...process.env, CI: "true", FORCE_COLOR: "0" },
      });
      // The whole process group is stopped: test runners have workers of their own.
      let isHung = false;
      const timer = setTimeout(() => {
        isHung = true;
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      }, timeoutMs);
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve(isHung ? "hung" : code === 0 ? "passed" : "failed");
      });
    });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
