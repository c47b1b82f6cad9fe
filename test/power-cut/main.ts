/**
 * Cuts the power of brokers under load: `npm run power-cut -- [--cuts N] [--seed S] [--life N]`,
 * with `--all-sources` counting what was done at other states of the sources too.
 * Needs Linux, root, loop devices, mkfs.ext4 and perl or python3; says so and ends otherwise. What
 * is done at the same sources stands in test-results/power-cut.jsonl, and a run that was stopped
 * goes on after it. Exit code 1 when anything acknowledged was lost, anything was there that nobody
 * sent, or the control lost nothing.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";
import { ClusterLife, type LifeOutcome, removeDeadLives } from "./cluster-life.ts";
import { controlLife } from "./control.ts";
import { whyNoCuts } from "./cut-disk.ts";

interface Entry extends LifeOutcome {
  readonly commit: string;
  readonly seed: number;
  readonly control: boolean;
}

/** Probes that may come back: the kernel may write a file at any time, of its own accord. */
const PROBES_KEPT_SHARE_MAX = 0.02;

async function cutsOfLife(seed: number, count: number, isStopped: () => boolean) {
  const life = await ClusterLife.start(seed);
  try {
    let isRight = true;
    for (let made = 0; made < count && isRight && !isStopped(); made++) {
      isRight = await life.cutOnce();
    }
    if (isRight) await life.finish();
    return life.outcome();
  } finally {
    await life.end();
  }
}

/** Fails when the run proves nothing or proves a loss. */
function conclude(entries: readonly Entry[]): boolean {
  const lives = entries.filter(({ control }) => !control);
  const sum = (figure: (entry: Entry) => number): number =>
    lives.reduce((total, entry) => total + figure(entry), 0);
  const one = sum(({ cuts }) => cuts.one);
  const all = sum(({ cuts }) => cuts.all);
  const alone = sum(({ brokers, cuts }) => (brokers === 1 ? cuts.one : 0));
  const probes = sum((entry) => entry.probes);
  const kept = probes - sum((entry) => entry.probesLost);
  const wrong = lives.filter(({ problems }) => problems.length > 0).length;
  const controls = entries.filter(({ control }) => control);
  const blind = controls.filter(({ problems }) => problems.length === 0).length;
  console.log(
    `${one + all} cuts: ${one} of one broker (${alone} of a broker alone), ` +
      `${all} of all three at once, ` +
      `${sum(({ journalCuts }) => journalCuts)} of them with the journal written; ` +
      `${sum(({ acknowledged }) => acknowledged)} records acknowledged in ${lives.length} clusters`,
  );
  console.log(`${probes - kept} of ${probes} files written without a sync were gone`);
  console.log(`${controls.length - blind} of ${controls.length} controls showed a loss`);
  console.log(`${wrong} clusters with a lost or wrong record`);
  const doesCut = kept <= probes * PROBES_KEPT_SHARE_MAX;
  return wrong === 0 && blind === 0 && controls.length > 0 && doesCut;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cuts: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      life: { type: "string", default: "20" },
      "all-sources": { type: "boolean", default: false },
    },
  });
  const why = whyNoCuts();
  if (why !== undefined) {
    console.log(`skipped: ${why}`);
    return;
  }
  for (const name of removeDeadLives()) console.log(`removed what was left of ${name}`);
  const commit = sourcesState(["packages", "test/power-cut"]);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results", "power-cut.jsonl"));
  const counts = (entry: Entry): boolean => values["all-sources"] || entry.commit === commit;
  const entries = ledger.read().filter(counts);
  let isStopped = false;
  // The life under way is ended in order: no mount and no process stays.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      isStopped = true;
    });
  }
  const add = (seed: number, control: boolean, outcome: LifeOutcome): void => {
    const entry = { commit, seed, control, ...outcome };
    ledger.append(entry);
    entries.push(entry);
    const { brokers, cuts, acknowledged, seconds, problems } = entry;
    const what = control ? "control" : problems.length === 0 ? "right" : "WRONG";
    console.log(
      `${what}  seed ${seed}  brokers ${brokers}  ${cuts.one} + ${cuts.all} cuts  ` +
        `${acknowledged} records  ${seconds} s`,
    );
    for (const problem of problems.slice(0, control ? 1 : 20)) console.log(`  ${problem}`);
  };
  const doneCuts = (): number =>
    entries.reduce((sum, { control, cuts }) => sum + (control ? 0 : cuts.one + cuts.all), 0);
  const wanted = Number(values.cuts);
  const perLife = Number(values.life);
  const known = new Set(entries.map(({ control, seed }) => (control ? -1 : seed)));
  const hasControl = entries.some((entry) => entry.control && entry.commit === commit);
  if (!hasControl) add(Number(values.seed), true, await controlLife(Number(values.seed)));
  for (let seed = Number(values.seed); doneCuts() < wanted && !isStopped; seed++) {
    if (known.has(seed)) continue;
    const count = Math.min(perLife, wanted - doneCuts());
    add(seed, false, await cutsOfLife(seed, count, () => isStopped));
  }
  process.exitCode = conclude(entries) ? 0 : 1;
}

await main();
