// Loaded into a broker before its own code (node --import): after SIGUSR2, `fdatasync` reports success without
// doing anything. What such a broker acknowledges is lost at a cut; a check that does not see it sees nothing.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

const { fdatasync } = fs;
let isLying = false;

process.on("SIGUSR2", () => {
  isLying = true;
});
fs.fdatasync = (fd, done) => {
  if (isLying) setImmediate(done, null);
  else fdatasync(fd, done);
};
syncBuiltinESMExports();
