import { corrupt, type StoreUnderTest } from "./store-harness.js";
import type { TestKey } from "./test-key.js";

/** What a call answers and leaves. */
interface Cell {
  readonly reply: string;
  /** What a second execution of the same call answers. Default: the same. */
  readonly again: string;
  readonly state: string;
  /** Whether the call was the owner's and renewed the record's expiry, rather than changing nothing at all. */
  readonly writes: boolean;
}

/** The calls of a delivery named `mine`; without `grant` the token alone decides. */
export const CALLS = [
  "claim",
  "remember",
  "start",
  "renew",
  "complete",
  "complete without grant",
  "release as failed",
  "release as unstarted",
  "release as reset",
  "release without grant",
] as const;

export type Call = (typeof CALLS)[number];

/** A row of the record table. */
export interface Row {
  readonly name: string;
  /** Only for stores whose completed records keep it. */
  readonly needs?: "fingerprint";
  /** Brings the record about and returns the grant that the calls of `mine` carry. */
  prepare(key: TestKey, subject: StoreUnderTest): Promise<number>;
  readonly cells: Readonly<Record<Call, Cell>>;
}

/** The fingerprint that calls carry. */
export const FINGERPRINT = "9Rc0bYw1pYfXQmHGUJbTzg";
const OTHER_FINGERPRINT = "3hGd8v5sW0uYtZ2kLqXnAw";

function writes(reply: string, state: string, again: string = reply): Cell {
  return { reply, again, state, writes: true };
}

function changesNothing(reply: string, state: string): Cell {
  return { reply, again: reply, state, writes: false };
}

/** The calls that only an owner may make, where `mine` is not the owner. */
function refused(state: string): Omit<Row["cells"], "claim" | "remember" | `complete${string}`> {
  const lost = changesNothing("lost", state);
  return {
    start: lost,
    renew: lost,
    "release as failed": lost,
    "release as unstarted": lost,
    "release as reset": lost,
    "release without grant": lost,
  };
}

function completes(reply: string): Pick<Row["cells"], "complete" | "complete without grant"> {
  const cell = writes(reply, "completed by mine");
  return { complete: cell, "complete without grant": cell };
}

function isCompleted(
  reply: string,
  state: string,
): Pick<Row["cells"], "complete" | "complete without grant"> {
  const cell = changesNothing(reply, state);
  return { complete: cell, "complete without grant": cell };
}

const remembered: Cell = writes("new", "completed by mine");

const asAbsent: Row["cells"] = {
  claim: writes("acquired, grant 1, attempt 1", "live claim of mine, attempts 0"),
  remember: remembered,
  ...refused("absent"),
  renew: writes("restored", "live claim of mine, attempts 0", "ok"),
  ...completes("vanished"),
};

function heldByMine(completion: "ok" | "late"): Row["cells"] {
  return {
    claim: writes("acquired, grant 1, attempt 1", "live claim of mine, attempts 0"),
    remember: remembered,
    start: writes("ok", "live claim of mine, attempts 1"),
    renew: writes("ok", "live claim of mine, attempts 0"),
    ...completes(completion),
    "release as failed": writes("ok", "failed by mine, attempts 1"),
    "release as unstarted": writes("ok", "failed by mine, attempts 0"),
    "release as reset": writes("ok", "failed by mine, attempts 0"),
    "release without grant": writes("ok", "failed by mine, attempts 0"),
  };
}

const releasedByMine: Cell = changesNothing("ok", "failed by mine, attempts 1");

/** The record table for readable records, row by row. */
export const ROWS: readonly Row[] = [
  {
    name: "an absent record",
    prepare: async () => 1,
    cells: asAbsent,
  },
  {
    name: "my live claim",
    prepare: async (key) => (await key.take("mine")).grant,
    cells: heldByMine("ok"),
  },
  {
    name: "my lapsed claim",
    prepare: async (key) => (await key.takeAndLapse("mine")).grant,
    cells: heldByMine("late"),
  },
  {
    name: "my claim under a later grant",
    prepare: async (key) => {
      const { grant } = await key.takeAndLapse("mine");
      await key.release(await key.take("other"), "failed");
      await key.take("mine");
      return grant;
    },
    cells: {
      claim: writes("acquired, grant 3, attempt 2, suspect", "live claim of mine, attempts 1"),
      remember: remembered,
      ...refused("live claim of mine, attempts 1"),
      "release without grant": writes("ok", "failed by mine, attempts 1"),
      complete: writes("stolen", "completed by mine"),
      "complete without grant": writes("ok", "completed by mine"),
    },
  },
  {
    name: "another's live claim",
    prepare: async (key) => (await key.take("other")).grant,
    cells: {
      claim: changesNothing("busy with other", "live claim of other, attempts 0"),
      remember: changesNothing("duplicate of other", "live claim of other, attempts 0"),
      ...refused("live claim of other, attempts 0"),
      ...completes("stolen"),
    },
  },
  {
    name: "another's lapsed claim",
    prepare: async (key) => (await key.takeAndLapse("other")).grant,
    cells: {
      claim: writes(
        "reclaimed by takeover from other, grant 2, attempt 1, suspect",
        "live claim of mine, attempts 0",
        "acquired, grant 2, attempt 1, suspect",
      ),
      remember: remembered,
      ...refused("lapsed claim of other, attempts 0"),
      ...completes("stolen"),
    },
  },
  {
    name: "a record that I released",
    prepare: async (key) => {
      const held = await key.take("mine");
      await key.release(held, "failed");
      return held.grant;
    },
    cells: {
      claim: changesNothing("stale", "failed by mine, attempts 1"),
      remember: remembered,
      ...refused("failed by mine, attempts 1"),
      ...completes("late"),
      "release as failed": releasedByMine,
      "release as unstarted": releasedByMine,
      "release as reset": releasedByMine,
      "release without grant": releasedByMine,
    },
  },
  {
    name: "a record that another released",
    prepare: async (key) => {
      const held = await key.take("other");
      await key.release(held, "failed");
      return held.grant;
    },
    cells: {
      claim: writes(
        "reclaimed after a release from other, grant 2, attempt 2",
        "live claim of mine, attempts 1",
        "acquired, grant 2, attempt 2",
      ),
      remember: remembered,
      ...refused("failed by other, attempts 1"),
      ...completes("stolen"),
    },
  },
  {
    name: "a record that I completed",
    prepare: async (key) => {
      const held = await key.take("mine");
      await key.complete(held);
      return held.grant;
    },
    cells: {
      claim: changesNothing("duplicate of mine", "completed by mine"),
      remember: changesNothing("new", "completed by mine"),
      ...refused("completed by mine"),
      ...isCompleted("ok", "completed by mine"),
    },
  },
  {
    name: "a record that another completed",
    prepare: async (key) => {
      const held = await key.take("other", { fingerprint: FINGERPRINT });
      await key.complete(held);
      return held.grant;
    },
    cells: {
      claim: changesNothing("duplicate of other", "completed by other"),
      remember: changesNothing("duplicate of other", "completed by other"),
      ...refused("completed by other"),
      ...isCompleted("stolen", "completed by other"),
    },
  },
  {
    name: "a record completed with another fingerprint",
    needs: "fingerprint",
    prepare: async (key) => {
      const held = await key.take("other", { fingerprint: OTHER_FINGERPRINT });
      await key.complete(held);
      return held.grant;
    },
    cells: {
      claim: changesNothing("conflict with other", "completed by other"),
      remember: changesNothing("conflict with other", "completed by other"),
      ...refused("completed by other"),
      ...isCompleted("stolen", "completed by other"),
    },
  },
];

/** A record that can't be read counts as absent. */
export const MALFORMED_ROW: Row = {
  name: "a malformed record",
  prepare: async (key, subject) => {
    await corrupt(subject, key.digest, "malformed");
    return 1;
  },
  cells: asAbsent,
};
