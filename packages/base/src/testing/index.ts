export { ManualTime, settle } from "./manual-time.ts";
export { MemoryKeyValueStore } from "./memory-key-value-store.ts";
