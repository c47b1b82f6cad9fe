import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { CodedError, machineClock } from "@stratalog/base";
import { useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { ProduceCommandOptions } from "../commands/produce-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { formatCount, formatDuration, formatRate, progressBar } from "../output/figures.ts";
import { parseJsonRecord } from "./json-record.ts";
import { parseLineRecord } from "./line-record.ts";
import { splitLines } from "./line-splitter.ts";

const PROGRESS_RECORDS = 1000;

/**
 * Runs `strata produce` and resolves to its exit code. Lines read before a Ctrl-C are stored; a
 * line that is no record ends it after the lines before it.
 */
export async function runProduce(
  topic: string,
  options: ProduceCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { output, signal } = context;
  const startMs = machineClock.monotonicMs();
  const { file } = options;
  const totalBytes = file === undefined ? undefined : await sizeOf(file);
  let readBytes = 0;
  let count = 0;
  await useClient(options, async (client) => {
    const producer = client.producer({ compression: options.compression });
    try {
      for await (const line of splitLines(input(file, context))) {
        count += 1;
        readBytes += line.byteLength + 1;
        const record =
          options.json === true
            ? parseJsonRecord(line, count)
            : parseLineRecord(line, count, options);
        const { partition } = options;
        // A promise only while there is no room: awaiting each record would cost a turn of the
        // event loop for each.
        const room = producer.enqueue({
          topic,
          ...record,
          ...(partition === undefined ? {} : { partition }),
        });
        if (room !== undefined) await room;
        if (count % PROGRESS_RECORDS === 0) {
          output.progress(progressOf(count, readBytes, totalBytes));
        }
        if (signal.aborted) break;
      }
    } finally {
      await producer.flush();
    }
  });
  const durationMs = machineClock.monotonicMs() - startMs;
  const rate = formatRate(count, durationMs);
  output.note(
    `${formatCount(count)} records stored in ${topic} in ${formatDuration(durationMs)} (${rate})`,
  );
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** Size of a file for the bar of progress; undefined where there is none, as for a pipe. */
async function sizeOf(path: string): Promise<number | undefined> {
  // Reading the file says better what is wrong with it.
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

function progressOf(count: number, readBytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined) return `${formatCount(count)} lines read`;
  return `${progressBar(readBytes, totalBytes)} bytes`;
}

/** The bytes to read. Errors: INVALID_REQUEST when the file cannot be read. */
async function* input(
  path: string | undefined,
  context: CommandContext,
): AsyncIterable<Uint8Array> {
  if (path === undefined && process.stdin.isTTY) {
    context.output.note("Reading lines from the terminal; Ctrl-D ends them.");
  }
  const stream = path === undefined ? process.stdin : createReadStream(path);
  // Lets a read that waits for the keyboard end at Ctrl-C.
  const onAbort = (): void => void stream.destroy();
  context.signal.addEventListener("abort", onAbort, { once: true });
  try {
    // Without an encoding set, both streams give bytes.
    for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    if (context.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_REQUEST", `cannot read the input: ${reason}`, { cause: error });
  } finally {
    context.signal.removeEventListener("abort", onAbort);
  }
}
