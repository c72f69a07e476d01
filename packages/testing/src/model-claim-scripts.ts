import { AdvanceTo, ArriveLate, Send } from "./model-commands.js";
import { errand, heldAgain, lapse, type Script, SHORT, send, takeover } from "./model-script.js";

/** Of claims, takeovers and attempts: the shortest sequences that showed a rule switched off. */
export const CLAIM_SCRIPTS: readonly Script[] = [
  {
    name: "a claim whose reply was lost is not blocked by itself",
    steps: [send("A", "claim", { fate: "unanswered" }), send("A", "claim"), send("B", "claim")],
  },
  {
    name: "a claim resent after its lapse holds the key for another lease",
    steps: [send("A", "claim", SHORT), lapse, send("A", "claim"), send("B", "claim")],
  },
  {
    name: "a claim that arrives after it was given up leaves nothing that nobody owns",
    steps: [
      send("A", "claim", { fate: "held" }),
      new ArriveLate(0),
      send("A", "release", { grant: "none" }),
      new ArriveLate(0),
      send("B", "claim"),
    ],
  },
  {
    name: "a lapse is met at the millisecond at which the lease ends, and not before",
    steps: [
      send("A", "claim", SHORT),
      new AdvanceTo(0, "leaseEnd", -1),
      send("B", "claim"),
      lapse,
      send("C", "claim"),
    ],
  },
  {
    name: "a record goes at the millisecond at which its window ends, and not before",
    steps: [
      send("A", "remember", { leaseMs: 50, windowMs: 90 }),
      new AdvanceTo(0, "expiry", -1),
      send("B", "remember"),
      send("B", "claim"),
      new AdvanceTo(0, "expiry", 0),
      send("C", "claim"),
    ],
  },
  {
    name: "nothing that a former owner sends touches its successor, but that the work is done",
    steps: [
      ...takeover,
      send("A", "release"),
      send("A", "start"),
      send("A", "renew"),
      send("A", "release", { grant: "none" }),
      send("A", "complete"),
      send("B", "complete"),
      send("B", "renew"),
    ],
  },
  {
    name: "copies of an earlier grant's calls change nothing when their token holds the key again",
    steps: [
      ...heldAgain,
      send("A", "release", { grant: "first", as: "reset" }),
      send("A", "start", { grant: "first" }),
      send("A", "renew", { grant: "first" }),
      send("A", "release"),
    ],
  },
  {
    name: "late copies of a claim and its failure charge nobody after a reset",
    steps: [
      send("A", "claim"),
      send("A", "release"),
      send("B", "claim"),
      send("B", "release", { as: "reset" }),
      new ArriveLate(0),
      new ArriveLate(1),
      send("C", "claim"),
    ],
  },
  {
    name: "a marked start counts once, whatever becomes of it",
    steps: [
      ...takeover,
      send("B", "start", { fate: "twice" }),
      send("B", "claim"),
      send("B", "release"),
      send("C", "claim"),
      send("C", "start", { fate: "unanswered" }),
      send("C", "release", { as: "unstarted" }),
      send("A", "claim"),
      send("A", "start"),
      send("A", "release", { as: "reset" }),
    ],
  },
  {
    name: "two deliveries of one key in one batch compete, and a repeated one does not",
    steps: [
      send("A", "claim", { keys: [0, 1, 0], isFresh: true }),
      send("B", "claim", { keys: [1, 1, 0] }),
      send("A", "release", { keys: [1, 1] }),
      send("B", "claim", { keys: [0, 1, 1] }),
    ],
  },
  {
    name: "calls of several workers at once are executed one after the other",
    steps: [
      new Send(errand("A", "claim"), errand("B", "claim"), errand("C", "remember", { keys: [1] })),
      new Send(
        errand("A", "complete", { grant: "none" }),
        errand("B", "complete", { grant: "none" }),
      ),
    ],
  },
  {
    name: "a marked start holds the key for another lease",
    steps: [
      send("A", "claim", SHORT),
      lapse,
      send("A", "start"),
      send("B", "claim"),
      send("A", "complete"),
    ],
  },
  {
    name: "the mark of a start ends with its grant, and its attempt does not",
    steps: [
      send("A", "claim", SHORT),
      send("A", "start"),
      lapse,
      send("B", "claim"),
      send("B", "release", { as: "unstarted" }),
      send("C", "claim"),
    ],
  },
];
