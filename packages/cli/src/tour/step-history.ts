import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeFileEvent, encodeFileEvent } from "../history/file-event.ts";
import { FileTreeFold, formatTree, treeDifferences } from "../history/file-tree.ts";
import { keyOf } from "../history/history.ts";
import { formatCount, formatDuration, formatRate } from "../output/figures.ts";
import { SendWindow } from "./send-window.ts";
import type { TourContext } from "./tour-context.ts";

/**
 * Step 7: a repository's history as records keyed by path, replayed, folded, compared with what git
 * says.
 */
export async function stepHistory(context: TourContext): Promise<void> {
  const { client, clock, plan, report } = context;
  const { history } = plan;
  report.step(`real history: ${formatCount(history.events.length)} file changes, keyed by path`);
  report.say(`from ${history.source}`);
  await client.createTopic(plan.historyTopic, plan.partitionCount);
  const startMs = clock.monotonicMs();
  await importHistory(context);
  const durationMs = clock.monotonicMs() - startMs;
  const rate = formatRate(history.events.length, durationMs);
  report.say(`imported in ${formatDuration(durationMs)} (${rate})`);

  const ends = new Set([...history.marks.map(({ endSeq }) => endSeq), history.events.length]);
  const folds = [...ends].map((endSeq) => new FileTreeFold(endSeq));
  let count = 0;
  for await (const { value } of client.replay(plan.historyTopic)) {
    const event = decodeFileEvent(value);
    for (const fold of folds) fold.apply(event);
    count += 1;
    if (count % 5000 === 0) report.progress(`${formatCount(count)} changes replayed`);
  }
  const lost = count === history.events.length ? [] : [`${count} changes came back`];
  report.check(`all ${formatCount(history.events.length)} changes are replayed, once`, lost);
  for (const fold of folds) await compareFold(context, fold);
}

async function compareFold(context: TourContext, fold: FileTreeFold): Promise<void> {
  const { plan, report } = context;
  const actual = formatTree(fold.tree);
  const path = join(plan.treeFolder, `tree-at-${fold.endSeq}.tsv`);
  await writeFile(path, actual);
  const mark = plan.history.marks.find(({ endSeq }) => endSeq === fold.endSeq);
  if (mark === undefined) {
    report.say(`no tree to compare with after ${formatCount(fold.endSeq)} changes; ours: ${path}`);
    return;
  }
  const what = `${formatCount(fold.tree.size)} files after ${formatCount(fold.endSeq)} changes`;
  report.check(`${what} are as ${mark.source} has them`, treeDifferences(mark.tree, actual));
  report.say(`the fold: ${path}`);
}

/** Sends every change in its order and resolves when all are acknowledged. */
async function importHistory(context: TourContext): Promise<void> {
  const { plan, report } = context;
  const { events } = plan.history;
  const window = new SendWindow(context);
  const onProgress = (): void => {
    const total = formatCount(events.length);
    report.progress(`${formatCount(window.ackedCount)} of ${total} acknowledged`);
  };
  for (let next = 0; next < events.length; ) {
    const end = Math.min(events.length, next + window.room);
    for (const event of events.slice(next, end)) {
      window.send({
        topic: plan.historyTopic,
        key: keyOf(event),
        value: encodeFileEvent(event),
        timestampMs: event.time,
      });
    }
    next = end;
    onProgress();
    await window.breathe();
  }
  await window.settle(onProgress);
}
