/**
 * Runs Raft scripts: `npm run raft:script -- FILE...`. Prints what differs from the expected output
 * as a diff, and exits with 0 only when nothing does. With `--rewrite` it first puts the present
 * outputs into the files; read what changed before you keep it.
 */
import { readFileSync, writeFileSync } from "node:fs";
// By path: the repository's root depends on no package of its own.
import {
  rewriteScript,
  runScript,
  ScriptSyntaxError,
} from "../packages/raft-ts/src/testing/index.ts";

const words = process.argv.slice(2);
const isRewriting = words.includes("--rewrite");
const files = words.filter((word) => word !== "--rewrite");
if (files.length === 0) {
  console.error("usage: npm run raft:script -- [--rewrite] FILE...");
  process.exit(2);
}
let failedCount = 0;
for (const file of files) {
  if (!reportScript(file)) failedCount++;
}
console.log(`${files.length - failedCount} of ${files.length} scripts match`);
process.exitCode = failedCount === 0 ? 0 : 1;

/** Runs one file; whether everything in it is as expected. */
function reportScript(file: string): boolean {
  try {
    if (isRewriting) writeFileSync(file, rewriteScript(readFileSync(file, "utf8")));
    const { caseCount, mismatches } = runScript(readFileSync(file, "utf8"));
    for (const { line, command, diff } of mismatches) {
      console.log(`${file}:${line}: ${command}\n${diff}\n`);
    }
    // A file without any command proves nothing.
    const isMatch = mismatches.length === 0 && caseCount > 0;
    console.log(`${isMatch ? "ok  " : "FAIL"} ${file} (${caseCount} commands)`);
    return isMatch;
  } catch (error) {
    // What the file does wrong is said in a line; anything else is a bug and needs its stack.
    const isFileProblem =
      error instanceof ScriptSyntaxError || (error instanceof Error && "code" in error);
    const text =
      error instanceof Error ? (isFileProblem ? error.message : error.stack) : String(error);
    console.log(`FAIL ${file}: ${text}`);
    return false;
  }
}
