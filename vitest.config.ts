import { defineConfig } from "vitest/config";

/** Tests run from source: the `@stratalog/source` export condition points at `src`, so no build is needed. */
const conditions = ["@stratalog/source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
