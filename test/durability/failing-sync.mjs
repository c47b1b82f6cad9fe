// Loaded into a broker before its own code (node --import): after SIGUSR2 the next `fdatasync` fails with EIO, and those
// after it succeed, as on a kernel that reports a lost write once.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

const { fdatasync } = fs;
let fails = false;

process.on("SIGUSR2", () => {
  fails = true;
});
fs.fdatasync = (fd, done) => {
  if (!fails) {
    fdatasync(fd, done);
    return;
  }
  fails = false;
  setImmediate(done, Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
};
syncBuiltinESMExports();
