export type { Delivery, Origin } from "./delivery.js";
export type { AttendOptions, Ticket } from "./attend.js";
export { attend, claimAll } from "./attend.js";
export type { Context, DeadLetterReason, Handler } from "./handler.js";
export type { Outcome, OutcomeDetail, Settlement, Verdict } from "./outcome.js";
