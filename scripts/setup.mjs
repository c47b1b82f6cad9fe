// Makes a fresh clone ready: dependencies exactly as locked, then the build. A second run finds the stamps and does nothing.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampPath = join(root, "node_modules", ".stratalog-setup.json");
const PNPM = "pnpm@10.34.9";
const NODE_MIN = [20, 19];
const STEP_MS_MAX = 8 * 60_000;

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  fail(`Stratalog needs Node ${NODE_MIN.join(".")} or newer; this is ${process.version}.`);
}

function fail(message, output = "") {
  process.stderr.write(`${output === "" ? "" : `${output.trimEnd()}\n`}setup: ${message}\n`);
  process.exit(1);
}

/** Runs a program quietly; its output is shown only when it fails. */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: STEP_MS_MAX,
      ...options,
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: -1, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, "utf8"));
  } catch {
    // No stamp, or half a stamp: everything is done again.
    return {};
  }
}

function writeStamp(stamp) {
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, `${JSON.stringify(stamp)}\n`);
}

function packageFolders() {
  const packages = readdirSync(join(root, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, "packages", entry.name));
  return [...packages, ...["test", "bench", "examples"].map((name) => join(root, name))];
}

/** What an installation depends on: the lockfile, every manifest, the platform and the Node that chose binaries. */
function installDigest() {
  const hash = createHash("sha256");
  hash.update(`${process.platform} ${process.arch} ${process.versions.modules}\n`);
  const manifests = packageFolders().map((folder) => join(folder, "package.json"));
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ".npmrc"];
  for (const path of [...files.map((name) => join(root, name)), ...manifests]) {
    if (existsSync(path)) hash.update(relative(root, path)).update(readFileSync(path));
  }
  return hash.digest("hex");
}

function* sourceFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (!entry.name.endsWith(".test.ts")) yield path;
  }
}

/** What a build depends on, by size and time of change: cheap enough for every start. */
function buildDigest() {
  const hash = createHash("sha256");
  const addFile = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  };
  for (const name of readdirSync(root)) {
    if (name.startsWith("tsconfig")) addFile(join(root, name));
  }
  for (const folder of packageFolders()) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (/^tsconfig.*\.json$/.test(name)) addFile(join(folder, name));
    }
    const source = join(folder, "src");
    if (existsSync(source)) for (const path of sourceFiles(source)) addFile(path);
  }
  return hash.digest("hex");
}

function seconds(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

async function install() {
  const startMs = performance.now();
  process.stderr.write("setup: installing dependencies (only when they change) ...\n");
  const isWindows = process.platform === "win32";
  const flags = ["--frozen-lockfile", "--prod=false", "--config.confirmModulesPurge=false"];
  const { code, output } = await run(
    isWindows ? "npx.cmd" : "npx",
    ["--yes", PNPM, "install", ...flags],
    { shell: isWindows, env: { ...process.env, CI: "true" } },
  );
  if (code !== 0) {
    fail(`the installation failed; is the npm registry in reach? (exit ${code})`, output);
  }
  process.stderr.write(`setup: dependencies installed in ${seconds(startMs)}\n`);
}

async function build() {
  const startMs = performance.now();
  process.stderr.write("setup: building ...\n");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { code, output } = await run(process.execPath, [compiler, "-b"]);
  if (code !== 0) fail(`the build failed (exit ${code})`, output);
  process.stderr.write(`setup: built in ${seconds(startMs)}\n`);
}

checkNode();
const before = readStamp();
const wantedInstall = installDigest();
if (before.install !== wantedInstall) {
  await install();
  writeStamp({ install: wantedInstall });
}
const wantedBuild = buildDigest();
const isBuilt = existsSync(join(root, "packages", "cli", "dist", "main.js"));
if (before.install !== wantedInstall || before.build !== wantedBuild || !isBuilt) {
  await build();
  writeStamp({ install: wantedInstall, build: wantedBuild });
}
