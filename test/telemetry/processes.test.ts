import { randomUUID } from "node:crypto";
import { expect, inject, it, onTestFinished } from "vitest";
import { Child } from "../children/child.js";
import type { TracedSettings } from "../children/traced-main.js";
import { until } from "../servers/deadline.js";
import { endedSpans, traced } from "./sdk.js";

const LEASE_MS = 2_000;
const PATIENCE_MS = 60_000;

function started(prefix: string, id: string, holds: boolean): Child {
  const child = new Child("traced", {
    redisUrl: inject("redisUrl"),
    prefix,
    id,
    leaseMs: LEASE_MS,
    holds,
  } satisfies TracedSettings);
  onTestFinished(() => child.kill());
  return child;
}

/** What its first link leads to. */
function linkOf(outcome: string) {
  const span = endedSpans().findLast(
    ({ attributes }) => attributes["idempotency.outcome"] === outcome,
  );
  const [link] = span?.links ?? [];
  return {
    place: `${link?.context.traceId}-${link?.context.spanId}`,
    type: link?.attributes?.["idempotency.link.type"],
  };
}

it("behaviour 86: a duplicate links to the span of the process that did the work and is gone", async () => {
  const prefix = `telemetry-${randomUUID()}:`;
  const child = started(prefix, "m-1", false);
  const { id: place } = await child.heard("started", PATIENCE_MS);
  await child.heard("finished", PATIENCE_MS);
  await child.kill();
  const { dedup } = traced({}, { prefix });
  const settled = await dedup.process({ topic: "payments", id: "m-1" }, () => undefined);
  expect(settled.outcome).toBe("duplicate");
  expect(linkOf("duplicate")).toEqual({ place, type: "original" });
});

it("a message that is being worked on links to its owner, and one taken over to the process that was killed", async () => {
  const prefix = `telemetry-${randomUUID()}:`;
  const child = started(prefix, "m-1", true);
  const { id: place } = await child.heard("started", PATIENCE_MS);
  const { dedup } = traced({ leaseMs: LEASE_MS, busyWaitMs: 100 }, { prefix });
  const attempt = () => dedup.process({ topic: "payments", id: "m-1" }, () => undefined);
  await expect(attempt()).rejects.toMatchObject({ code: "ERR_ONLYONCE_BUSY" });
  expect(linkOf("busy")).toEqual({ place, type: "owner" });
  await child.kill();
  await until(async () => (await attempt()).outcome, {
    what: "the takeover",
    limitMs: PATIENCE_MS,
  });
  expect(linkOf("processed")).toEqual({ place, type: "previous_attempt" });
});
