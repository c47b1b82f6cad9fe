export type { CrashDensity, CrashTally } from "./crash-examiner.ts";
export { CRASH_EVENTS, crashEverywhere, type CrashOutcome, type CrashRun } from "./crash-run.ts";
export {
  type FlipEnding,
  type FlipOutcome,
  judgeFlip,
  makeFlipDirectory,
} from "./flip-directory.ts";
export { type FileSystemContractCase, fileSystemContract } from "./file-system-contract.ts";
export { type FileCall, MemoryFileSystem, type FileObserver } from "./memory-file-system.ts";
export { SECTOR_BYTES, type Survival } from "./memory-nodes.ts";
export { StoreFixture } from "./store-fixture.ts";
