import type { Admin, PartitionOffset } from "@stratalog/client";
import type { Position } from "./position.ts";

/** Where a position lies in each partition of a topic, at this moment. */
export async function startOffsets(
  admin: Pick<Admin, "listOffsets">,
  topic: string,
  start: Position,
): Promise<readonly PartitionOffset[]> {
  switch (start.kind) {
    case "earliest":
    case "latest":
      return admin.listOffsets({ topic, at: start.kind });
    case "time":
      return admin.listOffsets({ topic, at: { timestamp: start.timestampMs } });
    case "offset": {
      const found = await admin.listOffsets({ topic, at: "earliest" });
      return found.map((each) => ({ ...each, offset: start.offset }));
    }
    case "last": {
      const starts = await admin.listOffsets({ topic, at: "earliest" });
      const first = new Map(starts.map(({ partition, offset }) => [partition, offset]));
      const ends = await admin.listOffsets({ topic, at: "latest" });
      return ends.map((end) => {
        const wanted = end.offset - start.count;
        const least = first.get(end.partition) ?? 0n;
        return { ...end, offset: wanted > least ? wanted : least };
      });
    }
  }
}
