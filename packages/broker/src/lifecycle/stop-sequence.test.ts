import { silentLogger } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { StopSequence } from "./stop-sequence.ts";

describe("StopSequence", () => {
  it("keeps its order whatever came up first, runs all steps though one fails, and each once", async () => {
    const stopped: string[] = [];
    const sequence = new StopSequence(["port", "log", "never", "directory"], silentLogger);
    sequence.add("directory", () => void stopped.push("directory"));
    sequence.add("port", async () => void stopped.push("port"));
    sequence.add("log", () => Promise.reject(new Error("disk")));
    await expect(sequence.run()).rejects.toThrow("disk");
    expect(stopped).toEqual(["port", "directory"]);
    await sequence.run();
    expect(stopped).toHaveLength(2);
  });
});
