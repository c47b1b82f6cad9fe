// Needs the package `level`, which the SDK itself does not: install it beside this one.
export { LevelSnapshotStore, openLevelSnapshotStore } from "./level-snapshot-store.ts";
