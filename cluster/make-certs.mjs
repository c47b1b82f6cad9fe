#!/usr/bin/env node
// Certificates for development, made by openssl:
//   node cluster/make-certs.mjs DIRECTORY [--host NAME-OR-ADDRESS]... [--days N] [--replace]
// An authority (ca.crt, ca.key), one certificate for all brokers (broker.crt, broker.key), valid for
// the hosts, and one for clients (client.crt, client.key). An authority that is there is used again, so
// a second run with --replace renews the others under it. Not for production: keys are not encrypted
// and are readable by all, so that a container's user can read them.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";

const HOSTS = ["localhost", "127.0.0.1", "::1", "broker-1", "broker-2", "broker-3"];
const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function fail(message) {
  process.stderr.write(`make-certs: ${message}\n`);
  process.exit(1);
}

function openssl(...args) {
  try {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (error.code === "ENOENT") fail("openssl is not installed; install it and run this again");
    fail(`openssl ${args[0]} failed: ${String(error.stderr ?? error.message).trim()}`);
  }
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        host: { type: "string", multiple: true, default: HOSTS },
        days: { type: "string", default: "90" },
        replace: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = readArguments();
const [directory] = positionals;
if (directory === undefined || positionals.length !== 1) fail("name one directory");
if (!/^[1-9]\d{0,3}$/.test(values.days)) fail("--days must be a whole number from 1 to 9999");
for (const host of values.host) {
  if (isIP(host) === 0 && !/^[a-zA-Z0-9*]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(host)) {
    fail(`"${host}" is neither a host name nor an address`);
  }
}
const file = (name) => join(directory, name);
if (existsSync(file("broker.crt")) && !values.replace) {
  fail(`${file("broker.crt")} is there already; --replace renews it`);
}
mkdirSync(directory, { recursive: true });

if (!existsSync(file("ca.key"))) {
  const usage = ["-addext", "basicConstraints=critical,CA:TRUE"];
  const names = ["-subj", "/CN=Stratalog development authority", ...usage];
  const days = ["-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
  openssl(
    "req",
    "-x509",
    ...CURVE,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
    ...names,
    ...days,
  );
  chmodSync(file("ca.key"), 0o600);
}

/** Makes a key and its certificate beside their places, then moves both there. */
function issue(name, subject, extensions) {
  const work = mkdtempSync(file(".new-"));
  const made = (suffix) => join(work, `${name}.${suffix}`);
  writeFileSync(made("ext"), `${extensions.join("\n")}\n`);
  openssl("req", "-new", ...CURVE, "-keyout", made("key"), "-out", made("csr"), "-subj", subject);
  const authority = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial"];
  const result = ["-days", values.days, "-extfile", made("ext"), "-out", made("crt")];
  openssl("x509", "-req", "-in", made("csr"), ...authority, ...result);
  chmodSync(made("key"), 0o644);
  renameSync(made("key"), file(`${name}.key`));
  renameSync(made("crt"), file(`${name}.crt`));
  rmSync(work, { recursive: true });
}

const names = values.host.map((host) => `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`);
const common = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
issue("broker", "/CN=stratalog-broker", [
  ...common,
  // Brokers dial each other: each is a client of the others too.
  "extendedKeyUsage=serverAuth,clientAuth",
  `subjectAltName=${names.join(",")}`,
]);
issue("client", "/CN=stratalog-client", [...common, "extendedKeyUsage=clientAuth"]);
process.stdout.write(`certificates for ${values.host.join(", ")} in ${directory}\n`);
