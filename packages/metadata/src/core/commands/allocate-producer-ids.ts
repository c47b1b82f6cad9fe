import { type Shaped, shape } from "@stratalog/base";
import { brokerIdShape } from "../fields.ts";
import type { MetadataImage } from "../image.ts";
import { accept, type CommandResult } from "./command-result.ts";

/** Asks for a block of producer ids, which the broker then gives out by itself. */
export const allocateProducerIdsShape = shape.object({ brokerId: brokerIdShape });
export type AllocateProducerIds = Shaped<typeof allocateProducerIdsShape>;

/** Ids [firstProducerId, firstProducerId + count), never given out before. */
export interface ProducerIdBlock {
  readonly firstProducerId: number;
  readonly count: number;
}

/** Ids of one block. A broker that stops loses what is left of its block; there are 2^53. */
export const PRODUCER_ID_BLOCK = 1_000;

export function handleAllocateProducerIds(
  image: MetadataImage,
  _command: AllocateProducerIds,
): CommandResult<ProducerIdBlock> {
  const firstProducerId = image.nextProducerId;
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK;
  return accept([{ type: "producer-ids-allocated", nextProducerId }], {
    firstProducerId,
    count: PRODUCER_ID_BLOCK,
  });
}
