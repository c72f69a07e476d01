import { createDeduplicator, type Delivery, memoryStore } from "@onlyonce/core";
import {
  type AttendOptions,
  attend,
  claimAll,
  type ResolvedPolicy,
  type Settlement,
  type Ticket,
  topicPolicy,
  type Verdict,
} from "@onlyonce/core/adapter";
import { type Equal, expectTrue } from "./equal.js";

/** An adapter of one's own: maps messages to deliveries, and settlements to what the broker is told. */
const dedup = createDeduplicator({ store: memoryStore(), scope: "billing" });
const deliveries: readonly Delivery[] = [{ topic: "payments", id: "p-1" }];
const options: AttendOptions = {
  deadLetter: "reject",
  busyWaitMs: 1_000,
  signal: new AbortController().signal,
  enterWait: () => () => undefined,
};
const policy: ResolvedPolicy = topicPolicy(dedup, "payments");
const tickets: readonly Ticket[] = await claimAll(dedup, deliveries, options);
for (const ticket of tickets) {
  if (ticket.status !== "run") await ticket.abandon();
  else expectTrue<Equal<Awaited<ReturnType<typeof ticket.run<string>>>, Verdict<string>>>();
}
const verdict = await attend(dedup, { topic: "payments" }, ({ attempt }) => attempt, options);
expectTrue<Equal<typeof verdict, Verdict<number>>>();

function tell(settlement: Settlement): "ack" | "nack" | "nothing" {
  switch (settlement) {
    case "ack":
      return "ack";
    case "reject":
    case "retry":
      return "nack";
    case "return":
      return "nothing";
  }
}
void [policy.leaseMs, tell(verdict.settlement)];
