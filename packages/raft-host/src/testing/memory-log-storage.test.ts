import type { GroupNumber } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { describe, it } from "vitest";
import { type LogStorageRig, logStorageContract } from "./log-storage-contract.ts";
import { MemoryLogStorage } from "./memory-log-storage.ts";
import { plainFrameCodec } from "./plain-frame-codec.ts";

class MemoryRig implements LogStorageRig {
  readonly codec = plainFrameCodec;
  readonly #time = new ManualTime();
  storage = this.#open();

  dataPayload({ baseOffset }: { readonly baseOffset: number }): Uint8Array {
    return new Uint8Array(20).fill(baseOffset);
  }

  createGroup(group: GroupNumber): Promise<void> {
    this.storage.createGroup(group);
    return Promise.resolve();
  }

  async until(condition: () => boolean): Promise<void> {
    for (let count = 0; count < 1_000 && !condition(); count++) await this.#time.advanceAsync(1);
    if (!condition()) throw new Error(`not in time: ${condition.toString()}`);
  }

  restart(): Promise<void> {
    this.storage = this.#open(this.storage.crash());
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #open(durable?: ReturnType<MemoryLogStorage["crash"]>): MemoryLogStorage {
    return new MemoryLogStorage({
      afterSync: (sync) => this.#time.after(2, sync),
      ...(durable !== undefined && { durable }),
    });
  }
}

describe("MemoryLogStorage", () => {
  for (const claim of logStorageContract(() => Promise.resolve(new MemoryRig()))) {
    it(claim.name, () => claim.run());
  }
});
