// Writes docs/configuration.md from the schema: npm run docs:configuration. A test compares the two.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationPage } from "../src/config/config-reference.ts";

writeFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), configurationPage());
