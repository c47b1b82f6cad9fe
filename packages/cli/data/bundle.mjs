// Writes the bundled sample anew from this repository's history: `node packages/cli/data/bundle.mjs`, after a build.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { readGitHistory } from "../dist/history/git-history.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const history = await readGitHistory(fileURLToPath(new URL("../../..", import.meta.url)));
if (history === undefined) throw new Error("there is no git history here");
for (const name of readdirSync(here)) {
  if (name.startsWith("stratalog.")) rmSync(new URL(name, import.meta.url));
}
const lines = history.events.map((event) => `${JSON.stringify({ ...event, repo: "stratalog" })}\n`);
writeFileSync(
  new URL("stratalog.jsonl.gz", import.meta.url),
  gzipSync(lines.join(""), { level: 9 }),
);
for (const { endSeq, tree } of history.marks) {
  writeFileSync(new URL(`stratalog.tree-at-${endSeq}.tsv`, import.meta.url), tree);
}
