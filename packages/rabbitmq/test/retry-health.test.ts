import { expect, it } from "vitest";
import { MissingExchangeError } from "../src/copy-publisher.js";
import { RetryHealth } from "../src/retry-exchange.js";
import { eventually, warnings } from "./lab.js";

const TEN_MINUTES_MS = 600_000;

it("an exchange that is gone is left alone for ten minutes, then tried again, and all is said once", async () => {
  const told = warnings();
  const health = new RetryHealth();
  expect(health.isMissing(0)).toBe(false);
  health.failed("payments.retry", new MissingExchangeError("404"), 1_000);
  expect(health.isMissing(1_000 + TEN_MINUTES_MS - 1)).toBe(true);
  expect(health.isMissing(1_000 + TEN_MINUTES_MS)).toBe(false);
  health.failed("payments.retry", new MissingExchangeError("404"), 700_000);
  expect(health.isMissing(700_000 + TEN_MINUTES_MS - 1)).toBe(true);
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatch(
    /RETRY_EXCHANGE: Exchange "payments.retry" of options.retry is gone.*setupRetryTopology/,
  );
});

it("a copy that was refused for another reason keeps no other copy from being tried", () => {
  warnings();
  const health = new RetryHealth();
  health.failed("payments.retry", new Error("the broker refused it"), 1_000);
  expect(health.isMissing(1_001)).toBe(false);
});
