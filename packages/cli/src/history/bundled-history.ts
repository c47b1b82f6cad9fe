import { fileURLToPath } from "node:url";
import { readEventFile } from "./event-file.ts";
import type { History } from "./history.ts";

/**
 * A part of this repository's own history, kept beside the package for where git or the history is
 * missing.
 */
export async function readBundledHistory(): Promise<History> {
  const path = fileURLToPath(new URL("../../data/stratalog.jsonl.gz", import.meta.url));
  const history = await readEventFile(path);
  return {
    ...history,
    source: "a bundled sample of this repository's history (no git history here)",
  };
}
