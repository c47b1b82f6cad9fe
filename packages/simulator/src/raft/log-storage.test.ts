import { encodeUtf8, type GroupNumber } from "@stratalog/base";
import { frameCodec, type LogStore } from "@stratalog/log-store";
import { StoreFixture } from "@stratalog/log-store/testing";
import {
  type DataPlace,
  type LogStorageRig,
  logStorageContract,
} from "@stratalog/raft-host/testing";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";
import { describe, it } from "vitest";

// The real log store under the contract that whoever runs Raft groups relies on. It stands here
// because neither of the two packages knows the other.

class LogStoreRig implements LogStorageRig {
  readonly codec = frameCodec;
  #fixture: StoreFixture;

  private constructor(fixture: StoreFixture) {
    this.#fixture = fixture;
  }

  static async create(): Promise<LogStoreRig> {
    return new LogStoreRig(await StoreFixture.open());
  }

  get storage(): LogStore {
    return this.#fixture.store;
  }

  dataPayload(place: DataPlace): Uint8Array {
    const builder = new BatchBuilder();
    for (let record = 0; record < place.span; record++) {
      builder.append({ key: null, value: encodeUtf8("value"), timestampMs: 1_000 + record });
    }
    const payload = builder.build();
    patchBaseOffset(payload, 0, place.baseOffset);
    patchLeaderEpoch(payload, 0, place.term);
    return payload;
  }

  async createGroup(group: GroupNumber): Promise<void> {
    await this.#fixture.group(group);
  }

  async until(condition: () => boolean): Promise<void> {
    for (let count = 0; count < 1_000 && !condition(); count++) {
      await this.#fixture.time.advanceAsync(1);
    }
    if (!condition()) throw new Error(`not in time: ${condition.toString()}`);
  }

  async restart(): Promise<void> {
    this.#fixture = await this.#fixture.restart();
  }

  async close(): Promise<void> {
    await this.#fixture.store.close();
    if (this.#fixture.fatal[0] !== undefined) throw this.#fixture.fatal[0];
  }
}

describe("LogStore as the storage of a Raft host", () => {
  for (const claim of logStorageContract(() => LogStoreRig.create())) {
    it(claim.name, () => claim.run());
  }
});
