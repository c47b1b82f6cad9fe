// Everything that must hold: set-up, lint, format, types, tests. Then what was skipped and why.
// STRATALOG_REQUIRE=vectors,data turns skips for want of those into failures.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), "stratalog-test-"));
const skipsPath = join(scratch, "skips.jsonl");
const resultsPath = join(scratch, "vitest.json");
const CHECK_MS_MAX = 3 * 60_000;
const TESTS_MS_MAX = 16 * 60_000;

const inModules = (...parts) => join(root, "node_modules", ...parts);
const checks = [
  { name: "set-up and build", args: [join(root, "scripts", "setup.mjs")] },
  { name: "lint", args: [inModules("oxlint", "bin", "oxlint"), "--type-aware"] },
  { name: "format", args: [inModules("@biomejs", "biome", "bin", "biome"), "format"] },
  {
    name: "types of tests",
    args: [inModules("typescript", "bin", "tsc"), "-p", "tsconfig.test.json"],
  },
];

/** Runs a Node program; resolves to its exit code and, when captured, what it wrote. */
function run(args, { capture, timeoutMs }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
      env: { ...process.env, STRATALOG_SKIPS: skipsPath },
    });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const why = signal === null ? "" : `ended by ${signal}; the limit is ${timeoutMs / 1000} s\n`;
      if (!capture) process.stdout.write(why);
      resolve({ code: code ?? -1, output: output + why });
    });
  });
}

function readSkips() {
  const text = existsSync(skipsPath) ? readFileSync(skipsPath, "utf8") : "";
  const lines = new Set(text.split("\n").filter((line) => line !== ""));
  return [...lines].map((line) => JSON.parse(line));
}

function printSkips(skips, skippedCount) {
  if (skips.length === 0 && skippedCount === 0) {
    process.stdout.write("\nNothing was skipped.\n");
    return;
  }
  const width = Math.max(4, ...skips.map((skip) => skip.name.length));
  process.stdout.write(`\n${"skipped".padEnd(width)}  why\n`);
  for (const skip of skips) process.stdout.write(`${skip.name.padEnd(width)}  ${skip.reason}\n`);
  if (skips.length === 0) process.stdout.write(`${skippedCount} tests, without a reason given\n`);
}

const startMs = performance.now();
const elapsed = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
let passed = 0;
let failed = 0;
writeFileSync(skipsPath, "");

for (const check of checks) {
  const { code, output } = await run(check.args, { capture: true, timeoutMs: CHECK_MS_MAX });
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${check.name} (at ${elapsed()})\n`);
  if (code === 0) passed += 1;
  else {
    failed += 1;
    process.stdout.write(`${output.trimEnd()}\n`);
  }
}

const tests = await run(
  [
    inModules("vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${resultsPath}`,
  ],
  { capture: false, timeoutMs: TESTS_MS_MAX },
);
let skipped = 0;
if (existsSync(resultsPath)) {
  const results = JSON.parse(readFileSync(resultsPath, "utf8"));
  passed += results.numPassedTests;
  skipped += results.numPendingTests + results.numTodoTests;
  // A file that fails before its tests are known has no failed test, and still counts.
  const brokenFiles = results.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  failed += results.numFailedTests + brokenFiles.length;
}
if (tests.code !== 0 && failed === 0) failed += 1;

printSkips(readSkips(), skipped);
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\nin ${elapsed()}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
