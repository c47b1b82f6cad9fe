export { readBundledHistory } from "./history/bundled-history.ts";
export { readEventFile } from "./history/event-file.ts";
export type { FileEvent } from "./history/file-event.ts";
export { FileTreeFold, formatTree, treeDifferences } from "./history/file-tree.ts";
export { readGitHistory } from "./history/git-history.ts";
export type { History, TreeMark } from "./history/history.ts";
