import { describe, expect, it } from "vitest";
import { Progress } from "./progress.ts";

function progress(match: number, next: number): Progress {
  return new Progress({
    id: 2,
    match,
    next,
    isLearner: false,
    recentActive: true,
    limits: { maxInflightMessages: 2, maxInflightBytes: 1000 },
  });
}

describe("the progress of a follower", () => {
  it("pauses a probe until it is answered", () => {
    const one = progress(0, 5);
    one.sentEntries(2, 20);
    expect([one.isPaused, one.next]).toEqual([true, 5]);
    expect(one.maybeDecreaseTo(4, 2)).toBe(true);
    expect([one.isPaused, one.next]).toEqual([false, 3]);
  });

  it("streams ahead of acknowledgements until the window is full", () => {
    const one = progress(4, 5);
    one.becomeReplicate();
    one.sentEntries(2, 20);
    expect([one.isPaused, one.next]).toEqual([false, 7]);
    one.sentEntries(1, 20);
    expect([one.isPaused, one.next]).toEqual([true, 8]);
    expect(one.maybeUpdate(6)).toBe(true);
    expect([one.isPaused, one.match, one.next]).toEqual([false, 6, 8]);
  });

  it("takes old acknowledgements and old rejections for what they are", () => {
    const one = progress(6, 9);
    expect(one.maybeUpdate(6)).toBe(false);
    expect(one.maybeDecreaseTo(5, 3)).toBe(false);
    one.becomeReplicate();
    expect(one.maybeDecreaseTo(6, 3)).toBe(false);
    expect(one.maybeDecreaseTo(8, 3)).toBe(true);
    expect(one.next).toBe(7);
  });

  it("never goes back before what is acknowledged", () => {
    const one = progress(6, 9);
    expect(one.maybeDecreaseTo(8, 2)).toBe(true);
    expect(one.next).toBe(7);
  });

  it("goes on after a snapshot that was delivered, and not after one that failed", () => {
    const delivered = progress(3, 4);
    delivered.becomeSnapshot(10);
    expect([delivered.isPaused, delivered.next]).toEqual([true, 11]);
    delivered.becomeProbe();
    expect(delivered.next).toBe(11);
    const failed = progress(3, 4);
    failed.becomeSnapshot(10);
    failed.pendingSnapshot = 0;
    failed.becomeProbe();
    expect(failed.next).toBe(4);
  });

  it("probes without entries as often as it likes", () => {
    const one = progress(0, 5);
    one.sentEntries(0, 0);
    expect([one.isPaused, one.next]).toEqual([false, 5]);
  });

  it("streams from the entry after the acknowledged one, wherever the probe was", () => {
    const one = progress(0, 10);
    expect(one.maybeUpdate(4)).toBe(true);
    expect(one.next).toBe(10);
    one.becomeReplicate();
    expect(one.next).toBe(5);
  });

  it("takes a commit index for untold where the entry turned out to be missing", () => {
    const one = progress(0, 8);
    one.sentCommit(6);
    expect(one.maybeDecreaseTo(7, 2)).toBe(true);
    expect(one.maybeUpdate(4)).toBe(true);
    expect(one.canBumpCommit(6)).toBe(true);
  });

  it("sends a commit index early only where it can help", () => {
    const one = progress(4, 5);
    one.becomeReplicate();
    one.sentEntries(2, 20);
    one.sentCommit(4);
    expect(one.canBumpCommit(4)).toBe(false);
    expect(one.canBumpCommit(5)).toBe(true);
    one.sentCommit(6);
    expect(one.canBumpCommit(9)).toBe(false);
  });
});
