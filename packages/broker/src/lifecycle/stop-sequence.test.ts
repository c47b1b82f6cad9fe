import { silentLogger } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { StopSequence } from "./stop-sequence.ts";

describe("StopSequence", () => {
  it("stops the newest part first, all of them even when one fails, and each once", async () => {
    const stopped: string[] = [];
    const sequence = new StopSequence(silentLogger);
    sequence.add("directory", () => void stopped.push("directory"));
    sequence.add("log", () => Promise.reject(new Error("disk")));
    sequence.add("port", async () => void stopped.push("port"));
    await expect(sequence.run()).rejects.toThrow("disk");
    expect(stopped).toEqual(["port", "directory"]);
    await sequence.run();
    expect(stopped).toHaveLength(2);
  });
});
