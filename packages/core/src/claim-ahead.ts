import type { Attendance } from "./attendance.js";
import type { Engine } from "./engine.js";
import type { ClaimReply, ClaimRequest, Release } from "./store.js";

/**
 * Claims for several deliveries with one call of the store. Whoever is neither granted nor refused claims again when it
 * runs; a claim that was given up without an answer is released, and its token is dead. Never waits, never rejects.
 */
export async function claimAhead(
  engine: Engine,
  attendances: readonly Attendance[],
): Promise<void> {
  const asking: Attendance[] = [];
  const requests: ClaimRequest[] = [];
  for (const attendance of attendances) {
    const request = attendance.claimAhead();
    if (request === undefined) continue;
    asking.push(attendance);
    requests.push(request);
  }
  if (requests.length === 0) return;
  const sentAtMs = engine.clock.nowMs();
  const replies = await askFor(engine, requests);
  const unwanted: Release[] = [];
  for (const [index, attendance] of asking.entries()) {
    const request = requests[index];
    if (request === undefined) continue;
    const reply = replies[index] ?? { status: "error", error: undefined };
    if (!attendance.takeAnswer(request, reply, sentAtMs)) {
      unwanted.push({ ...request, as: "unstarted" });
    }
  }
  if (unwanted.length > 0) engine.inBackground(engine.store.release(unwanted));
}

/** No answers at all where the call fails as a whole. */
async function askFor(
  engine: Engine,
  requests: readonly ClaimRequest[],
): Promise<readonly ClaimReply[]> {
  try {
    return await engine.store.claim(requests);
  } catch {
    return [];
  }
}
