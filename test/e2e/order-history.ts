import { expect } from "vitest";
import type { Child } from "../children/child.js";

/** What a member of the group said, and when it ended. */
export type Witness = Pick<Child, "of" | "exitedAtMs">;

/** A record as it was appended. */
export interface Sent {
  readonly id: string;
  readonly partition: number;
}

/** What a scenario permits beyond the invariants. */
interface Permitted {
  /** Ids whose handler may end twice, or overlap, because its owner was given up. @defaultValue none */
  readonly twice?: readonly string[];
  /** Whether clients may restart, as they do when their broker is away. @defaultValue false */
  readonly restarts?: boolean;
}

/** One run of a handler. */
interface Run {
  readonly id: string;
  readonly startedAtMs: number;
  /** When it finished, was tried again by the same process, or died with it. */
  readonly endedAtMs: number;
}

/**
 * The invariants of every run: each sent id has a completed handler (I1), handlers of one id never overlap (I2) and
 * complete once (I3) except where permitted, first completions keep the order of their partition (I5), no client
 * crashes (I6). That the group is at its end (I4) is waited for before.
 */
export function expectInvariants(
  { sent, members }: { readonly sent: readonly Sent[]; readonly members: readonly Witness[] },
  { twice = [], restarts = false }: Permitted = {},
): void {
  const finished = members
    .flatMap((member) => member.of("finished"))
    .toSorted((one, other) => one.atMs - other.atMs);
  const ids = [...new Set(sent.map(({ id }) => id))];
  const firsts = [...new Set(finished.map(({ id }) => String(id)))];
  expect(firsts.toSorted(), "I1: every id was handled").toEqual(ids.toSorted());
  expect(overlapping(members.flatMap(runsOf)).filter(notIn(twice)), "I2: overlaps").toEqual([]);
  const counts = ids.map((id) => [id, finished.filter((one) => one.id === id).length] as const);
  const wrong = counts.filter(([id, count]) => count > (twice.includes(id) ? 2 : 1));
  expect(wrong, "I3: completed more often than permitted").toEqual([]);
  for (const partition of new Set(sent.map((record) => record.partition))) {
    const appended = sent.filter((record) => record.partition === partition).map(({ id }) => id);
    const order = [...new Set(appended)];
    expect(
      firsts.filter((id) => order.includes(id)),
      `I5: order of ${partition}`,
    ).toEqual(order);
  }
  const crashes = members.flatMap((member) => member.of("crashed")).map(({ outcome }) => outcome);
  const fatal = restarts ? crashes.filter((what) => !what?.endsWith("restarts")) : crashes;
  expect(fatal, "I6: crashes").toEqual([]);
}

function notIn(ids: readonly string[]): (id: string) => boolean {
  return (id) => !ids.includes(id);
}

function runsOf(member: Witness): readonly Run[] {
  const ends = [...member.of("finished"), ...member.of("started")];
  return member.of("started").map(({ id, atMs }) => {
    const later = ends.filter((end) => end.id === id && end.atMs > atMs).map((end) => end.atMs);
    const endedAtMs = Math.min(...later, member.exitedAtMs ?? Number.POSITIVE_INFINITY);
    return { id: String(id), startedAtMs: atMs, endedAtMs };
  });
}

function overlapping(runs: readonly Run[]): readonly string[] {
  const inOrder = runs.toSorted((one, other) => one.startedAtMs - other.startedAtMs);
  return inOrder
    .filter(({ id, startedAtMs }, place) =>
      inOrder.slice(0, place).some((former) => former.id === id && former.endedAtMs > startedAtMs),
    )
    .map(({ id }) => id);
}
