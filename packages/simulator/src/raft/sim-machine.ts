import type { Frame, GroupListener, GroupRole, InstalledSnapshot } from "@stratalog/raft-host";

/** State of a simulated state machine: a digest over everything that it applied. */
export interface MachineState {
  readonly index: number;
  readonly digest: number;
}

/** What a machine tells the world about. */
export interface MachineWorld {
  onRole(state: GroupRole): void;
  onCommitted(frames: readonly Frame[]): void;
  /** Stores a received snapshot; resolves once it is safe. */
  storeSnapshot(state: MachineState): Promise<void>;
  /** A restored state, to be compared with what was committed. */
  onRestored(state: MachineState): void;
}

const BYTES = 12;

/** Extends a digest by one frame. */
export function digestFrame(digest: number, frame: Frame): number {
  let hash = Math.imul(digest ^ frame.index, 0x01000193) >>> 0;
  hash = Math.imul(hash ^ frame.term, 0x01000193) >>> 0;
  for (const byte of frame.payload) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** A listener whose state is a digest of its history; with snapshots when `isMachine`. */
export function createMachine(
  world: MachineWorld,
  initial: MachineState,
  isMachine: boolean,
): GroupListener & { readonly state: MachineState } {
  let state = initial;
  const listener = {
    get state() {
      return state;
    },
    onCommitted(frames: readonly Frame[]): void {
      for (const frame of frames) {
        state = { index: frame.index, digest: digestFrame(state.digest, frame) };
      }
      world.onCommitted(frames);
    },
    onRole: (role: GroupRole) => world.onRole(role),
  };
  if (!isMachine) return listener;
  return {
    ...listener,
    get state() {
      return state;
    },
    createSnapshot: () => encodeState(state),
    onSnapshot(snapshot: InstalledSnapshot): Promise<void> {
      state = decodeState(snapshot.data);
      world.onRestored(state);
      return world.storeSnapshot(state);
    },
  };
}

function encodeState({ index, digest }: MachineState): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, index);
  view.setUint32(8, digest);
  return bytes;
}

function decodeState(bytes: Uint8Array): MachineState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { index: view.getFloat64(0), digest: view.getUint32(8) };
}
