import { exportDataDirectory, inspectDataDirectory } from "@stratalog/broker";
import { printFacts } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { LogReportOptions } from "../commands/log-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { recordAsJson } from "../records/record-text.ts";

type Report = Awaited<ReturnType<typeof inspectDataDirectory>>;

/** Prints what a data directory holds. */
export async function runInspect(
  directory: string,
  options: LogReportOptions,
  context: CommandContext,
): Promise<number> {
  const report = await inspectDataDirectory(directory);
  const { groups, wal } = report;
  const headings = ["group", "what", "segment", "indexes", "offsets", "frames", "index rows"];
  await printFacts(context, options, {
    json: report,
    headings: [...headings, "bytes"],
    rows: groups.flatMap(({ descriptor, segments }) =>
      segments.map((segment) => [
        descriptor.group,
        nameOf(descriptor),
        segment.path.slice(segment.path.lastIndexOf("/") + 1),
        `${segment.baseIndex}-${segment.lastIndex}`,
        `${segment.baseOffset}-${segment.nextOffset}`,
        segment.frames,
        segment.indexRows,
        segment.sizeBytes,
      ]),
    ),
  });
  if (options.output === "json") return EXIT.ok;
  context.output.line("");
  await printFacts(context, options, {
    json: wal,
    headings: ["wal file", "batches", "first", "last", "sealed"],
    rows: wal.map(({ path, batches, firstBatch, lastBatch, isSealed }) => [
      path.slice(path.lastIndexOf("/") + 1),
      batches,
      firstBatch ?? "none",
      lastBatch ?? "none",
      isSealed ? "yes" : "no",
    ]),
  });
  sayProblems(report, context);
  return EXIT.ok;
}

/** Checks a data directory. */
export async function runVerify(
  directory: string,
  options: LogReportOptions,
  context: CommandContext,
): Promise<number> {
  const report = await inspectDataDirectory(directory);
  const { groups, problems, batchesToReplay } = report;
  const segments = groups.flatMap((group) => group.segments);
  const sum = (of: (segment: (typeof segments)[number]) => number): number =>
    segments.reduce((total, segment) => total + of(segment), 0);
  const frames = sum((segment) => segment.frames);
  const bytes = sum((segment) => segment.sizeBytes);
  if (options.output === "json") {
    const counts = { groups: groups.length, segments: segments.length, frames, bytes };
    context.output.line(JSON.stringify({ ...counts, batchesToReplay, problems }, undefined, 2));
  } else {
    context.output.line(
      `${groups.length} groups, ${segments.length} segments, ${frames} frames, ${bytes} bytes, ` +
        `${batchesToReplay} batches to replay: ${problems.length} problems`,
    );
    sayProblems(report, context);
  }
  return problems.length === 0 ? EXIT.ok : EXIT.error;
}

/** Prints the records of a data directory. */
export async function runExport(directory: string, context: CommandContext): Promise<number> {
  const report = await exportDataDirectory(directory, (record) => {
    context.output.line(recordAsJson(record));
  });
  sayProblems(report, context);
  if (!wasSealed(report)) {
    context.output.note("the broker was not stopped cleanly: its last records may be in wal/ only");
  }
  return report.problems.length === 0 ? EXIT.ok : EXIT.error;
}

/** Whether the newest batch of all is the seal of a clean stop; later files may be spare ones. */
function wasSealed({ wal }: Report): boolean {
  const used = wal.filter(({ lastBatch }) => lastBatch !== undefined);
  const newest = used.toSorted((a, b) => (b.lastBatch ?? 0) - (a.lastBatch ?? 0))[0];
  return newest?.isSealed === true;
}

function sayProblems(report: Report, context: CommandContext): void {
  for (const { path, position, message } of report.problems) {
    context.output.note(`${path} at byte ${position}: ${message}`);
  }
}

function nameOf(group: Report["groups"][number]["descriptor"]): string {
  return group.topic === undefined ? group.kind : `${group.topic}-${group.partition ?? 0}`;
}
