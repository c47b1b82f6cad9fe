import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CodedError, decodeJson, type Shape, type Shaped, shape } from "@stratalog/base";

const port = shape.integer(1, 65_535);
const brokerPlan = shape.object({
  id: shape.integer(1, 65_535),
  clientPort: port,
  peerPort: port,
  httpPort: port,
});
const clusterPlan = shape.object({ version: shape.integer(1, 1), brokers: shape.list(brokerPlan) });
const brokerRun = shape.object({ id: shape.integer(1, 65_535), pid: shape.integer(1) });
const clusterRun = shape.object({
  version: shape.integer(1, 1),
  supervisorPid: shape.integer(1),
  brokers: shape.list(brokerRun),
});

/** Number and ports of one broker on loopback. */
export type BrokerPlan = Shaped<typeof brokerPlan>;
/**
 * The brokers of a data directory; the same at every start, but for ports that others took
 * meanwhile.
 */
export type ClusterPlan = Shaped<typeof clusterPlan>;
/** Which processes run over a data directory. */
export type ClusterRun = Shaped<typeof clusterRun>;

/** Address on which the supervisor's brokers listen. */
export const LOOPBACK = "127.0.0.1";

/** Files of a cluster that `strata dev` keeps: one directory, everything in it. */
export class DevDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Plan of the cluster. */
  get planPath(): string {
    return join(this.path, "cluster.json");
  }

  /** Process ids while it runs; absent otherwise. */
  get runPath(): string {
    return join(this.path, "run.json");
  }

  dataPath(id: number): string {
    return join(this.path, `broker-${id}`);
  }

  configPath(id: number): string {
    return join(this.path, `broker-${id}.yaml`);
  }

  logPath(id: number): string {
    return join(this.path, `broker-${id}.log`);
  }

  /** Makes the directory. Errors: DIRECTORY_UNUSABLE. */
  async create(): Promise<void> {
    try {
      await makeDirectory(this.path);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  readPlan(): Promise<ClusterPlan | undefined> {
    return this.#read(this.planPath, clusterPlan);
  }

  writePlan(plan: ClusterPlan): Promise<void> {
    return this.#write(this.planPath, plan);
  }

  readRun(): Promise<ClusterRun | undefined> {
    return this.#read(this.runPath, clusterRun);
  }

  writeRun(run: ClusterRun): Promise<void> {
    return this.#write(this.runPath, run);
  }

  /** Writes who runs unless someone has: whether it was us. A reader never sees half of it. */
  async createRun(run: ClusterRun): Promise<boolean> {
    const draft = `${this.runPath}.${process.pid}`;
    try {
      await writeFile(draft, `${JSON.stringify(run)}\n`);
      await link(draft, this.runPath);
      return true;
    } catch (error) {
      if (hasErrno(error, "EEXIST")) return false;
      throw this.#unusable(error);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async removeRun(): Promise<void> {
    await rm(this.runPath, { force: true });
  }

  async #read<T>(path: string, of: Shape<T>): Promise<T | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return undefined;
      throw this.#unusable(error);
    }
    const decoded = decodeJson(bytes, of);
    if (decoded.ok) return decoded.value;
    throw new CodedError("DIRECTORY_UNUSABLE", `${path} is damaged: ${decoded.reason}; remove it`);
  }

  /** Replaces a file whole, so that a reader never sees half of it. */
  async #write(path: string, value: ClusterPlan | ClusterRun): Promise<void> {
    try {
      await writeFile(`${path}.new`, `${JSON.stringify(value, undefined, 2)}\n`);
      await rename(`${path}.new`, path);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): CodedError {
    const reason = error instanceof Error ? error.message : String(error);
    return new CodedError(
      "DIRECTORY_UNUSABLE",
      `the data directory ${this.path} cannot be used: ${reason}; choose another with --data`,
      { cause: error },
    );
  }
}

/** Whether an error is Node's for this cause, such as ENOENT for a file that does not exist. */
export function hasErrno(error: unknown, errno: string): boolean {
  return error instanceof Error && "code" in error && error.code === errno;
}

/**
 * Makes a directory and those above it. Step by step, because Node 20's recursive `mkdir` never
 * comes back where a file system answers ENOENT for ever, as /proc does.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return;
    if (!hasErrno(error, "ENOENT") || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}
