import {
  codeLines,
  importsOf,
  productionFiles,
  type SourceTree,
  type Violation,
} from "../source-tree.ts";

/** An effect and the only places that may cause it. */
interface Door {
  readonly what: string;
  readonly pattern: RegExp;
  readonly in: "import" | "code";
  readonly allowed: readonly RegExp[];
  readonly instead: string;
}

const DOORS: readonly Door[] = [
  {
    what: "the machine's timers",
    pattern: /\b(?:setTimeout|setInterval|setImmediate)\s*\(/,
    in: "code",
    allowed: [/^packages\/base\/src\/node\/machine-timers\.ts$/],
    instead: "take the Timers port",
  },
  {
    what: "the machine's clock",
    pattern: /\bDate\.now\s*\(|\bnew Date\(\)|\bperformance\.now\s*\(|\bprocess\.hrtime/,
    in: "code",
    allowed: [/^packages\/base\/src\/node\/machine-clock\.ts$/],
    instead: "take the Clock port",
  },
  {
    what: "unseeded randomness",
    pattern: /\bMath\.random\b|\brandomUUID\b/,
    in: "code",
    allowed: [],
    instead: "take the Random port",
  },
  {
    what: "the file system",
    pattern: /^(?:node:)?fs(?:\/promises)?$/,
    in: "import",
    allowed: [
      /^packages\/log-store\/src\/io\/node-file-system(?:\/[\w-]+)?\.ts$/,
      /^packages\/log-store\/src\/io\/node-file-handle\.ts$/,
      /^packages\/broker\/src\/config\//,
      /^packages\/broker\/src\/node\//,
      /^packages\/protocol\/src\//,
      /^packages\/cli\//,
    ],
    instead: "take the FileSystem port",
  },
  {
    what: "sockets",
    pattern: /^node:(?:net|tls|http|http2|https|dgram)$/,
    in: "import",
    allowed: [
      /^packages\/raft-host\/src\/node\//,
      /^packages\/broker\/src\/(?:http|grpc|node)\//,
      /^packages\/client\/src\/grpc\//,
      /^packages\/cli\//,
    ],
    instead: "take the PeerLink port or a client",
  },
  {
    what: "gRPC",
    pattern: /^@grpc\/|^grpc-health-check$/,
    in: "import",
    allowed: [
      /^packages\/protocol\/src\//,
      /^packages\/client\/src\/(?:io|node|grpc)\//,
      /^packages\/broker\/src\/grpc\//,
    ],
    instead: "take a service port",
  },
  {
    what: "child processes",
    pattern: /^node:(?:child_process|worker_threads|cluster)$/,
    in: "import",
    allowed: [/^packages\/cli\//],
    instead: "let the command line start processes",
  },
  {
    what: "the console",
    pattern: /\bconsole\.\w+/,
    in: "code",
    // Prints a program for the reader to paste; the program prints.
    allowed: [/^packages\/cli\/src\/tour\/closing\.ts$/],
    instead: "log through the Logger port; the command line prints through its output/ folder",
  },
];

/** Effects pass only through the doors made for them. */
export function checkDoors(tree: SourceTree): readonly Violation[] {
  return productionFiles(tree).flatMap((file) => {
    const doors = DOORS.filter((door) => !door.allowed.some((allowed) => allowed.test(file.path)));
    const inCode = codeLines(file).flatMap((text, index) =>
      doors
        .filter((door) => door.in === "code" && door.pattern.test(text))
        .map((door) => ({ path: file.path, line: index + 1, problem: describe(door) })),
    );
    const inImports = importsOf(file).flatMap(({ specifier, line }) =>
      doors
        .filter((door) => door.in === "import" && door.pattern.test(specifier))
        .map((door) => ({ path: file.path, line, problem: describe(door) })),
    );
    return [...inCode, ...inImports];
  });
}

function describe(door: Door): string {
  return `${door.what} may not be used here: ${door.instead}`;
}
