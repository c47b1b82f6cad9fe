import type { ClusterId } from "@stratalog/base";
import { emptyImage } from "@stratalog/metadata";
import { describe, expect, it } from "vitest";
import { MetadataView } from "./metadata-view.ts";

describe("MetadataView", () => {
  it("takes in later images, tells of those that differ, and never goes back", () => {
    const view = new MetadataView();
    const told: (string | undefined)[] = [];
    const stop = view.onChange((image) => told.push(image.clusterId));
    const image = { ...emptyImage(), clusterId: "blue" as ClusterId };
    view.replace(image, 5);
    view.replace(image, 6);
    view.replace(emptyImage(), 4);
    expect(view).toMatchObject({ appliedIndex: 6, isFormed: true, clusterId: "blue" });
    expect(told).toEqual(["blue"]);
    stop();
    view.replace(emptyImage(), 7);
    expect(told).toEqual(["blue"]);
  });
});
