import { describe, expect, it } from "vitest";
import { explainChannelError } from "../src/channel-error.js";

function closedByServer(code: number, text: string): Error {
  return Object.assign(new Error(`Channel closed by server: ${code} (${text})`), { code });
}

describe("a channel that the broker closed is explained", () => {
  it.each([
    [
      "a second ack",
      closedByServer(
        406,
        'PRECONDITION-FAILED) with message "PRECONDITION_FAILED - unknown delivery tag 1"',
      ),
      "ONLYONCE_AMQP_FOREIGN_ACK",
      "The handler must not ack: onlyonce acks",
    ],
    [
      "an ACK timeout",
      closedByServer(
        406,
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms",
      ),
      "ONLYONCE_AMQP_CONSUMER_TIMEOUT",
      "ackTimeoutMs",
    ],
    [
      "another precondition",
      closedByServer(406, "PRECONDITION_FAILED - inequivalent arg 'durable'"),
      "ONLYONCE_AMQP_CHANNEL_ERROR",
      "inequivalent arg",
    ],
    [
      "no queue",
      closedByServer(404, "NOT_FOUND - no queue 'x'"),
      "ONLYONCE_AMQP_CHANNEL_ERROR",
      "no queue",
    ],
    ["no error object", "boom", "ONLYONCE_AMQP_CHANNEL_ERROR", "boom"],
  ])("%s", (_, error, code, text) => {
    const explained = explainChannelError(error);
    expect(explained.code).toBe(code);
    expect(explained.message).toContain(text);
  });
});
