// The door for people who write adapters. Follows semver, with more freedom for additions than the main entry.
export type { AttendOptions, Run, Ticket } from "./attend.js";
export { attend, claimAll, topicPolicy } from "./attend.js";
export type { Delivery, Origin, Transport } from "./delivery.js";
export type { Context, DeadLetterReason, Handler } from "./handler.js";
export type { Outcome, OutcomeDetail, Settlement, Verdict } from "./outcome.js";
export type { ResolvedPolicy } from "./policy.js";
