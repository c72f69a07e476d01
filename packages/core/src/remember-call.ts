import { claimByFurtherRules } from "./claim-call.js";
import type { Engine } from "./engine.js";
import type { ClaimRequest, RememberReply } from "./store.js";
import type { Subject } from "./subject.js";

/**
 * Checks and remembers; a conflict is looked at by the further rules of the topic before it counts. These only ask for
 * a claim, because what they would remember were an old rule's fingerprint: a claim that is granted (the record vanished
 * in between) is completed by the same token with the current one.
 */
export async function rememberOnce(
  engine: Engine,
  subject: Subject,
  request: ClaimRequest,
): Promise<RememberReply | undefined> {
  const [first] = await engine.store.remember([request]);
  if (first?.status !== "conflict" || subject.furtherFingerprints.length === 0) return first;
  const { reply } = await claimByFurtherRules(engine, subject, request, {
    reply: first,
    sentAtMs: engine.clock.nowMs(),
  });
  switch (reply.status) {
    case "conflict":
    case "error":
      return reply;
    case "duplicate":
    case "busy":
      return { status: "duplicate", origin: reply.origin };
    case "acquired":
    case "reclaimed":
      return (await engine.store.remember([request]))[0];
    case "stale":
      return { status: "error", error: new Error("a token that was never released is stale") };
  }
}
