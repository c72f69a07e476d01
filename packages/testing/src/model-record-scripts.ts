import { ArriveLate, Crash, Damage, Forget, Send } from "./model-commands.js";
import { errand, heldAgain, lapse, type Script, SHORT, send, takeover } from "./model-script.js";

/** Of what is done, lost, damaged and forgotten: the shortest sequences that showed a rule switched off. */
export const RECORD_SCRIPTS: readonly Script[] = [
  {
    name: "a completion of an earlier grant is recorded, and told that it was not the owner's",
    steps: [
      ...heldAgain,
      send("A", "complete", { grant: "first" }),
      send("A", "complete"),
      send("B", "claim"),
    ],
  },
  {
    name: "a lapse is remembered over a failure, and forgotten by a reset",
    steps: [
      ...takeover,
      send("B", "release"),
      send("C", "claim"),
      send("C", "release", { as: "reset" }),
      send("A", "claim", { isFresh: true }),
    ],
  },
  {
    name: "a lost record comes back under its own grant, for its owner only",
    steps: [
      ...takeover,
      new Damage(0, "lost"),
      send("B", "renew"),
      send("B", "renew"),
      send("A", "renew"),
      send("B", "complete"),
    ],
  },
  {
    name: "a late renewal revives neither what failed nor what is done",
    steps: [
      send("A", "claim"),
      send("A", "release"),
      send("A", "renew"),
      send("B", "claim"),
      send("B", "complete"),
      send("B", "renew"),
    ],
  },
  {
    name: "a completion after a lapse is late, for every copy of it",
    steps: [send("A", "claim", SHORT), lapse, send("A", "complete"), send("A", "complete")],
  },
  {
    name: "every copy of a completion gets the first answer: late",
    steps: [
      send("A", "claim"),
      send("A", "release", { as: "unstarted" }),
      send("A", "complete", { fate: "twice" }),
      send("B", "claim"),
      send("A", "complete"),
    ],
  },
  {
    name: "every copy of a completion gets the first answer: vanished",
    steps: [
      send("A", "claim"),
      new Damage(0, "lost"),
      send("A", "complete", { fate: "unanswered", result: [1] }),
      send("A", "complete", { result: [2] }),
      send("B", "claim"),
    ],
  },
  {
    name: "every copy of a completion gets the first answer: stolen",
    steps: [
      ...takeover,
      send("A", "complete", { result: [0, 255] }),
      new Crash(1),
      send("A", "complete"),
      send("B", "claim"),
    ],
  },
  {
    name: "fingerprints conflict only where both are known, and only with what is done",
    steps: [
      send("A", "claim", { fingerprint: "one" }),
      send("B", "claim", { fingerprint: "two" }),
      send("A", "release"),
      send("B", "claim", { fingerprint: "two" }),
      send("B", "complete"),
      send("A", "claim", { fingerprint: "one" }),
      send("C", "claim"),
      send("C", "remember", { fingerprint: "one", isFresh: true }),
    ],
  },
  {
    name: "what is remembered at once gives way to a live claim, and takes a lapsed one",
    steps: [
      send("A", "claim", SHORT),
      send("B", "remember"),
      lapse,
      send("B", "remember", { isFresh: true, fate: "twice" }),
      send("A", "complete"),
      send("A", "renew"),
    ],
  },
  {
    name: "of two completions at once the first is kept, whichever it was",
    steps: [
      send("A", "claim"),
      new Send(errand("A", "remember"), errand("A", "complete", { result: [7] })),
      send("B", "claim"),
    ],
  },
  {
    name: "what was seen is forgotten, and not what another grant of the same token left since",
    steps: [
      send("A", "claim"),
      send("A", "release"),
      send("B", "claim"),
      send("B", "release"),
      new ArriveLate(0),
      send("A", "release", { grant: "none" }),
      new Forget(0, 1),
      new Forget(0, 5),
    ],
  },
  {
    name: "a live claim is never forgotten, whatever was seen",
    steps: [
      send("A", "claim", SHORT),
      lapse,
      send("A", "renew"),
      new Forget(0, 0),
      new Forget(0, undefined),
    ],
  },
  {
    name: "a malformed record is as good as none, for every call",
    needs: "corruptible",
    steps: [
      ...takeover,
      new Damage(0, "malformed"),
      send("B", "start"),
      send("B", "release"),
      send("B", "renew"),
      new Damage(0, "malformed"),
      send("B", "complete"),
      new Damage(0, "malformed"),
      send("C", "claim"),
    ],
  },
  {
    name: "what a later version wrote is obeyed, and never changed",
    needs: "corruptible",
    steps: [
      send("A", "claim"),
      new Damage(0, "newer"),
      ...(["claim", "renew", "start", "complete", "release"] as const).map((v) => send("A", v)),
      send("B", "claim"),
      new Damage(0, "lost"),
      send("B", "claim", { isFresh: true }),
      send("B", "complete"),
      new Damage(0, "newer"),
      send("A", "remember", { isFresh: true }),
      send("B", "complete"),
    ],
  },
];
