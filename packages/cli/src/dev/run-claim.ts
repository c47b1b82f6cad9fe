import { CodedError, machineClock, machineTimers, sleep } from "@stratalog/base";
import { type ClusterPlan, type ClusterRun, type DevDirectory, hasErrno } from "./dev-directory.ts";
import { httpGet } from "./http-probe.ts";

const LEFTOVER_MS_MAX = 20_000;
const LEFTOVER_POLL_MS = 100;

/** Whether a process with this id exists; it may belong to somebody else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrno(error, "EPERM");
  }
}

/** The processes that run over a directory now, or undefined when there are none. */
export async function findRunning(
  directory: DevDirectory,
): Promise<{ readonly run: ClusterRun; readonly plan: ClusterPlan } | undefined> {
  const run = await directory.readRun();
  const plan = await directory.readPlan();
  if (run === undefined || plan === undefined) return undefined;
  if (run.supervisorPid === process.pid || !isAlive(run.supervisorPid)) return undefined;
  // The id of a supervisor that is long gone may be another process's by now; its brokers tell.
  const answers = await Promise.all(
    plan.brokers.map(({ httpPort }) => httpGet(httpPort, "/healthz")),
  );
  const isStarting = run.brokers.length === 0;
  const isUp = isStarting || answers.some((answer) => answer !== undefined);
  return isUp ? { run, plan } : undefined;
}

/**
 * Marks the directory as ours. What an earlier supervisor left is waited for: its brokers stop by
 * themselves. Errors: DIRECTORY_IN_USE while another supervisor, or a broker of an earlier one,
 * runs.
 */
export async function claimDirectory(directory: DevDirectory): Promise<void> {
  const own: ClusterRun = { version: 1, supervisorPid: process.pid, brokers: [] };
  for (let attempt = 0; attempt < 2; attempt++) {
    if (await directory.createRun(own)) return;
    const left = await directory.readRun();
    if (left !== undefined && isAlive(left.supervisorPid)) {
      const running = await findRunning(directory);
      if (running !== undefined || left.brokers.length === 0) throw inUse(directory, left);
    }
    for (const { id, pid } of left?.brokers ?? []) await waitUntilGone(id, pid);
    await directory.removeRun();
  }
  throw new CodedError("DIRECTORY_IN_USE", `${directory.path} was taken by another start just now`);
}

function inUse(directory: DevDirectory, run: ClusterRun): CodedError {
  return new CodedError(
    "DIRECTORY_IN_USE",
    `a cluster runs over ${directory.path} already (process ${run.supervisorPid}); ` +
      "stop it, or choose another directory with --data",
  );
}

async function waitUntilGone(id: number, pid: number): Promise<void> {
  const deadlineMs = machineClock.monotonicMs() + LEFTOVER_MS_MAX;
  while (isAlive(pid)) {
    if (machineClock.monotonicMs() > deadlineMs) {
      throw new CodedError(
        "DIRECTORY_IN_USE",
        `process ${pid}, broker ${id} of an earlier run, is still there; end it first`,
      );
    }
    await sleep(machineTimers, LEFTOVER_POLL_MS);
  }
}
