import { describe, expect, it } from "vitest";
import type { ChildMessage } from "../children/child.js";
import { expectInvariants, type Witness } from "./order-history.js";

const SENT = ["o1", "o2"].map((id) => ({ id, partition: 0 }));

/** A member that said this: `started o1 5` is an event, what it is about, and when. */
function member(said: readonly string[], exitedAtMs?: number): Witness {
  const messages = said.map((line) => {
    const [event, about, atMs] = line.split(" ");
    const what = event === "crashed" ? { outcome: about } : { id: about };
    return { event, ...what, atMs: Number(atMs) } as ChildMessage;
  });
  return {
    exitedAtMs,
    of: (event, id) => messages.filter((one) => one.event === event && (id ?? one.id) === one.id),
  };
}

const first = ["started o1 1", "finished o1 2"];
const second = ["started o2 3", "finished o2 4"];

describe("the invariants", () => {
  it("hold for a run in which each message was completed once and in order", () => {
    expectInvariants({ sent: SENT, members: [member(first), member(second)] });
  });

  it("hold when a handler died with its process and ran again elsewhere", () => {
    const members = [member(["started o1 0"], 0.5), member([...first, ...second])];
    expectInvariants({ sent: SENT, members });
  });

  it("hold when a handler ran again in the same process", () => {
    expectInvariants({ sent: SENT, members: [member(["started o1 0", ...first, ...second])] });
  });

  it.each([
    ["a message that was never completed", "I1", [member(first)]],
    [
      "two handlers of one message at a time",
      "I2",
      [member(["started o1 1.5"], 9), member([...first, ...second])],
    ],
    [
      "a message that was completed twice",
      "I3",
      [member([...first, ...second]), member(["started o1 5", "finished o1 6"])],
    ],
    [
      "a message that passed an earlier one",
      "I5",
      [member(["started o1 5", "finished o1 6", ...second])],
    ],
    ["a client that crashed", "I6", [member([...first, ...second, "crashed KafkaJSError 7"])]],
  ])("do not hold for %s", (_, invariant, members) => {
    expect(() => expectInvariants({ sent: SENT, members })).toThrow(invariant);
  });

  it("permit what a scenario permits, and no more", () => {
    const again = ["started o1 1.5", "finished o1 6"];
    const members = [member([...first, ...second]), member(again)];
    expectInvariants({ sent: SENT, members }, { twice: ["o1"] });
    const thrice = [...members, member(["started o1 7", "finished o1 8"])];
    expect(() => expectInvariants({ sent: SENT, members: thrice }, { twice: ["o1"] })).toThrow(
      "I3",
    );
  });
});
