import { describe, expect, it } from "vitest";
import { type ParkedAnswer, ParkedAnswers } from "./parked-answers.ts";

function recorder(): { events: string[]; readonly answer: (name: string) => ParkedAnswer } {
  const events: string[] = [];
  return {
    events,
    answer: (name) => ({
      release: () => events.push(`${name} released`),
      reject: () => events.push(`${name} rejected`),
    }),
  };
}

describe("ParkedAnswers", () => {
  it("releases answers when their entry is applied, in order", () => {
    const { events, answer } = recorder();
    const parked = new ParkedAnswers();
    expect(parked.parkBehindLast(answer("early"))).toBe(false);
    parked.park({ index: 5, term: 2, answers: [answer("a")] });
    parked.park({ index: 7, term: 2, answers: [answer("b")] });
    expect(parked.parkBehindLast(answer("c"))).toBe(true);
    parked.applied(4, 1);
    parked.applied(5, 2);
    parked.applied(6, 2);
    expect(events).toEqual(["a released"]);
    parked.applied(7, 2);
    expect(events).toEqual(["a released", "b released", "c released"]);
    expect(parked.entryCount).toBe(0);
  });

  it("rejects answers whose index another leader's entry took", () => {
    const { events, answer } = recorder();
    const parked = new ParkedAnswers();
    parked.park({ index: 5, term: 2, answers: [answer("a")] });
    parked.applied(5, 3);
    expect(events).toEqual(["a rejected"]);
  });

  it("rejects all when leadership is lost", () => {
    const { events, answer } = recorder();
    const parked = new ParkedAnswers();
    parked.park({ index: 5, term: 2, answers: [answer("a"), answer("b")] });
    parked.rejectAll();
    parked.applied(5, 2);
    expect(events).toEqual(["a rejected", "b rejected"]);
  });
});
