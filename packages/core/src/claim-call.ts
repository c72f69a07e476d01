import type { Engine } from "./engine.js";
import type { ClaimReply, ClaimRequest } from "./store.js";
import type { Subject } from "./subject.js";

/** Sends a claim. Retries keep its token, so that a claim whose answer was lost is met again and not competed with. */
export async function claimOnce(engine: Engine, request: ClaimRequest): Promise<ClaimReply> {
  try {
    const [reply] = await engine.store.claim([request]);
    return reply ?? { status: "error", error: new Error("the store gave no answer to a claim") };
  } catch (error) {
    return { status: "error", error };
  }
}

interface TimedReply {
  readonly reply: ClaimReply;
  readonly sentAtMs: number;
}

/**
 * Asks once more for each further rule of the topic, after a conflict by the current one: the record may be of a
 * process that still makes, or made, fingerprints by an older (or already by a newer) rule. Ends with the first answer
 * that is no conflict.
 *
 * The token stays: a conflict leaves nothing in the store, so this is the same claim, and a late copy of it meets the
 * grant, the release or the completion of its own token. A record that vanished in between is granted; whoever
 * completes it then must do so with `request`, which carries the current fingerprint.
 */
export async function claimByFurtherRules(
  engine: Engine,
  subject: Subject,
  request: ClaimRequest,
  conflict: TimedReply,
): Promise<TimedReply> {
  let last = conflict;
  for (const fingerprint of subject.furtherFingerprints) {
    if (last.reply.status !== "conflict") break;
    const sentAtMs = engine.clock.nowMs();
    last = { reply: await claimOnce(engine, { ...request, fingerprint }), sentAtMs };
  }
  if (!isYounger(last.reply, conflict.reply)) return last;
  // Another record than the one that was asked about first: completed in between, perhaps by the current rule.
  const sentAtMs = engine.clock.nowMs();
  return { reply: await claimOnce(engine, request), sentAtMs };
}

function isYounger(last: ClaimReply, first: ClaimReply): boolean {
  if (last.status !== "conflict" || first.status !== "conflict") return false;
  return (last.origin.ageMs ?? 0) < (first.origin.ageMs ?? 0);
}
