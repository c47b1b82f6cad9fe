import { silentLogger } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { STOP_ORDER } from "./stop-order.ts";
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

  it("ends the waits for space on a full disk before anything stores its state and closes", () => {
    const [ballast, ...storing] = (
      ["ballast", "replicas", "controller", "log store", "data directory"] as const
    ).map((step) => STOP_ORDER.indexOf(step));
    for (const position of storing) expect(position).toBeGreaterThan(ballast ?? -1);
    expect(ballast).toBeGreaterThan(STOP_ORDER.indexOf("raft host"));
  });
});
