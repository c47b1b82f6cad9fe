import { assert, CodedError, type Deferred, deferred } from "@stratalog/base";
import type { Frame } from "@stratalog/raft-host";
import { decodeEntry } from "../core/command-entry.ts";
import type {
  ReceivedSnapshot,
  ReplicationGroup,
  ReplicationListener,
  RoleState,
} from "../ports/raft-group.ts";
import { DEFAULT_LIMITS, type StateMachineLimits, type StateMachineOptions } from "./options.ts";
import { Proposer } from "./proposer.ts";
import { SnapshotStore } from "./snapshot-store.ts";

/** What happened to the applied state, told after it happened. */
export interface AppliedChange<State, Record> {
  readonly state: State;
  readonly index: number;
  /** What was replayed; undefined when a snapshot replaced the state. */
  readonly records: readonly Record[] | undefined;
}

/**
 * One replica of a state machine over a Raft group.
 *
 * On the leader `submit` turns commands into records and answers when their entry is applied. Every
 * replica replays committed records in order. Snapshots go to the key-value store; then the log may
 * forget what is in them. Invariant: `state` is the replay of exactly the entries up to
 * `appliedIndex`.
 */
export class ReplicatedStateMachine<State, Command, Record, Response>
  implements ReplicationListener
{
  readonly #options: StateMachineOptions<State, Command, Record, Response>;
  readonly #limits: StateMachineLimits;
  readonly #snapshots: SnapshotStore;
  readonly #proposer: Proposer<State, Command, Record, Response>;
  readonly #changeListeners = new Set<(change: AppliedChange<State, Record>) => void>();
  readonly #roleListeners = new Set<(role: RoleState) => void>();
  readonly #waiters: { readonly index: number; readonly reached: Deferred<void> }[] = [];
  #group: ReplicationGroup | undefined;
  #state: State;
  #appliedIndex: number;
  #appliedTerm: number;
  #role: RoleState = { role: "follower", term: 0, leader: undefined };
  #confirmation: Promise<number> | undefined;
  /** Saves run one after the other; this is the last one asked for. */
  #lastSave: Promise<void> = Promise.resolve();
  #isSaving = false;
  /** Something could not be read: the process is about to end. */
  #hasFailed = false;
  #entriesSinceSnapshot = 0;
  #bytesSinceSnapshot = 0;
  #snapshotSizeBytes: number;

  private constructor(
    options: StateMachineOptions<State, Command, Record, Response>,
    snapshots: SnapshotStore,
    start: { state: State; index: number; term: number; sizeBytes: number },
  ) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#snapshots = snapshots;
    this.#state = start.state;
    this.#appliedIndex = start.index;
    this.#appliedTerm = start.term;
    this.#snapshotSizeBytes = start.sizeBytes;
    this.#proposer = new Proposer(options, () => this.#state);
  }

  /** Loads the newest snapshot. Rejects with STORAGE_DAMAGED when it cannot be trusted. */
  static async open<State, Command, Record, Response>(
    options: StateMachineOptions<State, Command, Record, Response>,
  ): Promise<ReplicatedStateMachine<State, Command, Record, Response>> {
    const { definition, store, keyPrefix } = options;
    const snapshots = new SnapshotStore(store, keyPrefix);
    const stored = await snapshots.load();
    if (stored === undefined) {
      const state = definition.initialState();
      const start = { state, index: 0, term: 0, sizeBytes: 0 };
      return new ReplicatedStateMachine(options, snapshots, start);
    }
    const decoded = definition.decodeSnapshot(stored.data);
    if (!decoded.ok) {
      const message = `snapshot of ${definition.name} is damaged: ${decoded.reason}`;
      throw new CodedError("STORAGE_DAMAGED", message);
    }
    const { index, term, data } = stored;
    const start = { state: decoded.value, index, term, sizeBytes: data.length };
    return new ReplicatedStateMachine(options, snapshots, start);
  }

  /**
   * The applied state. On a follower, and on a leader that was deposed unawares, it may be behind.
   */
  get state(): State {
    return this.#state;
  }

  /** Index of the last entry in `state`; a Raft group continues after it. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get role(): RoleState {
    return this.#role;
  }

  /** Whether commands are accepted here now. */
  get isLeader(): boolean {
    return this.#group?.role === "leader";
  }

  /** Connects the replica to its group. Once, before the group delivers anything. */
  attach(group: ReplicationGroup): void {
    assert(this.#group === undefined, "a state machine is attached once");
    this.#group = group;
    this.#proposer.attach(group);
  }

  /**
   * Carries out a command. Rejects with the handler's refusal; with NOT_LEADER when nothing was
   * done; with OUTCOME_UNKNOWN when leadership moved in between; with THROTTLED when too many wait.
   */
  submit(command: Command): Promise<Response> {
    return this.#proposer.submit(command);
  }

  /**
   * A state that has everything which was committed when the call was made. Rejects with
   * NOT_LEADER.
   */
  async read(): Promise<State> {
    const group = this.#group;
    if (group?.role !== "leader") throw this.#notLeader();
    const index = await this.#confirm(group);
    await this.#reached(index);
    return this.#state;
  }

  /** Calls back after every change of the applied state, until the answered function is called. */
  onChange(listener: (change: AppliedChange<State, Record>) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Calls back when the role, term or leader changes. */
  onRoleChange(listener: (role: RoleState) => void): () => void {
    this.#roleListeners.add(listener);
    return () => this.#roleListeners.delete(listener);
  }

  onCommitted(frames: readonly Frame[]): void {
    const applied: Record[] = [];
    for (const frame of frames) {
      if (!this.#apply(frame, applied)) return;
    }
    if (applied.length > 0) this.#tell(applied);
    for (const frame of frames) this.#proposer.onApplied(frame.index, frame.term);
    this.#wakeWaiters();
    this.#maybeSave();
  }

  onRole(role: RoleState): void {
    const { term: previousTerm, role: previousRole } = this.#role;
    this.#role = role;
    const wasLeader = previousRole === "leader";
    if (wasLeader && (role.role !== "leader" || role.term !== previousTerm)) {
      this.#proposer.onLeadershipLost();
    }
    for (const listener of this.#roleListeners) listener(role);
  }

  /**
   * A snapshot from the leader replaces the state. The log may be reset once this resolves; it must
   * not be when this rejects, with STORAGE_DAMAGED for a snapshot that cannot be read.
   */
  async onSnapshot(snapshot: ReceivedSnapshot): Promise<void> {
    const { definition } = this.#options;
    if (snapshot.index <= this.#appliedIndex) return;
    const decoded = definition.decodeSnapshot(snapshot.data);
    if (!decoded.ok) throw this.#fatal(`received snapshot is damaged: ${decoded.reason}`);
    this.#state = decoded.value;
    this.#appliedIndex = snapshot.index;
    this.#appliedTerm = snapshot.term;
    this.#proposer.onLeadershipLost();
    this.#tell(undefined);
    this.#wakeWaiters();
    // What is below it is not in the log any more: the group replaces the log by the snapshot.
    await this.#save(snapshot);
  }

  /** The state as of the last entry that was delivered here. */
  createSnapshot(): Uint8Array {
    // The entry that could not be read counts as delivered, and is not in the state.
    assert(!this.#hasFailed, `${this.#options.definition.name}: a snapshot would lack an entry`);
    return this.#options.definition.encodeSnapshot(this.#state);
  }

  /** Stores a snapshot of the applied state now; for a graceful stop and for tests. */
  async saveSnapshot(): Promise<void> {
    if (this.#appliedIndex === 0) return;
    const index = this.#appliedIndex;
    const data = this.#options.definition.encodeSnapshot(this.#state);
    await this.#save({ index, term: this.#appliedTerm, data });
    const dropIndex = index - this.#limits.logMarginEntries;
    if (dropIndex > 0) this.#options.dropLogPrefix(dropIndex);
  }

  /** Refuses every later command and every one that waits. */
  close(): void {
    this.#proposer.close();
    for (const waiter of this.#waiters.splice(0)) waiter.reached.reject(this.#notLeader());
    this.#changeListeners.clear();
    this.#roleListeners.clear();
  }

  /** False when the entry cannot be applied: the replica stops where it is. */
  #apply(frame: Frame, applied: Record[]): boolean {
    const { definition } = this.#options;
    assert(frame.index === this.#appliedIndex + 1, `${definition.name}: entries come in order`);
    if (frame.kind === "command") {
      const decoded = decodeEntry(frame.payload, (value) => definition.recordFromJson(value));
      if (!decoded.ok) {
        this.#fatal(`entry ${frame.index} is damaged: ${decoded.reason}`);
        return false;
      }
      for (const record of decoded.value) {
        this.#state = definition.replay(this.#state, record);
        applied.push(record);
      }
    }
    this.#appliedIndex = frame.index;
    this.#appliedTerm = frame.term;
    this.#entriesSinceSnapshot += 1;
    this.#bytesSinceSnapshot += frame.payload.length;
    return true;
  }

  #tell(records: readonly Record[] | undefined): void {
    const change = { state: this.#state, index: this.#appliedIndex, records };
    for (const listener of this.#changeListeners) listener(change);
  }

  #maybeSave(): void {
    const { snapshotEntries, snapshotBytes } = this.#limits;
    const bytesDue = Math.max(snapshotBytes, 2 * this.#snapshotSizeBytes);
    const isDue =
      this.#entriesSinceSnapshot >= snapshotEntries || this.#bytesSinceSnapshot >= bytesDue;
    if (!isDue || this.#isSaving) return;
    // A store that cannot sync must not acknowledge anything from then on.
    this.saveSnapshot().catch((error: unknown) => this.#options.onFatal(CodedError.from(error)));
  }

  #save(snapshot: ReceivedSnapshot): Promise<void> {
    // An earlier save that failed has been reported by its own caller; this one fails as well, by
    // itself.
    const save = (): Promise<void> => this.#saveNow(snapshot);
    this.#lastSave = this.#lastSave.then(save, save);
    return this.#lastSave;
  }

  async #saveNow(snapshot: ReceivedSnapshot): Promise<void> {
    this.#isSaving = true;
    this.#entriesSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
    this.#snapshotSizeBytes = snapshot.data.length;
    try {
      await this.#snapshots.save(snapshot);
    } finally {
      this.#isSaving = false;
    }
  }

  /** One round of confirmation serves all reads that were asked for in the same turn. */
  #confirm(group: ReplicationGroup): Promise<number> {
    this.#confirmation ??= new Promise((resolve, reject) => {
      this.#options.timers.endOfTurn(() => {
        this.#confirmation = undefined;
        group.confirmLeadership().then(resolve, reject);
      });
    });
    return this.#confirmation;
  }

  #reached(index: number): Promise<void> {
    if (this.#appliedIndex >= index) return Promise.resolve();
    const reached = deferred<void>();
    this.#waiters.push({ index, reached });
    return reached.promise;
  }

  #wakeWaiters(): void {
    for (let i = this.#waiters.length - 1; i >= 0; i--) {
      const waiter = this.#waiters[i];
      if (waiter === undefined || waiter.index > this.#appliedIndex) continue;
      this.#waiters.splice(i, 1);
      waiter.reached.resolve();
    }
  }

  #fatal(what: string): CodedError {
    const { definition } = this.#options;
    const error = new CodedError("STORAGE_DAMAGED", `${definition.name}: ${what}`);
    this.#hasFailed = true;
    this.#options.onFatal(error);
    return error;
  }

  #notLeader(): CodedError {
    return new CodedError(
      "NOT_LEADER",
      `this replica does not lead ${this.#options.definition.name}`,
    );
  }
}
