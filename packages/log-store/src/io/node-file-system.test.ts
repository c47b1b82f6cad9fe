import { expect, test } from "vitest";
import { NodeFileSystem } from "./node-file-system.ts";

test.runIf(process.platform === "linux")(
  "a directory that the system will not make is refused, not tried for ever",
  async () => {
    const making = new NodeFileSystem().makeDirectory("/proc/strata/data");
    await expect(making).rejects.toMatchObject({ code: "ENOENT", operation: "makeDirectory" });
  },
);
