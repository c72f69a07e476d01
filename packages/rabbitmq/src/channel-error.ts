import { textOf, type WarningCode } from "./warning.js";

export interface ChannelErrorExplanation {
  readonly code: WarningCode;
  readonly message: string;
}

/** By number as amqplib has it, by name as rabbitmq-client has it. */
const PRECONDITION_FAILED: readonly unknown[] = [406, "PRECONDITION_FAILED"];

const GONE =
  "The consumers of this channel have stopped: consume again on a new channel, or give rabbitConsume a function that makes channels and it does.";

/**
 * What a broker means by closing a channel, and what mends it. The broker puts every unsettled message of the channel
 * back on its queue, so none is lost; but the consumers of the channel are gone. `next` says what is to be done now.
 */
export function explainChannelError(error: unknown, next: string = GONE): ChannelErrorExplanation {
  const text = textOf(error);
  if (PRECONDITION_FAILED.includes(codeOf(error))) {
    if (/unknown delivery tag/i.test(text)) {
      return {
        code: "ONLYONCE_AMQP_FOREIGN_ACK",
        message: `The handler must not ack: onlyonce acks. A message was settled twice, so RabbitMQ closed the channel (${text}). Remove the ack, nack and reject calls from the handler. ${next}`,
      };
    }
    if (/timed out/i.test(text)) {
      return {
        code: "ONLYONCE_AMQP_CONSUMER_TIMEOUT",
        message: `A message stayed unacked for longer than RabbitMQ's consumer_timeout, so it closed the channel (${text}). Set the topic's ackTimeoutMs to the consumer_timeout of the queue. ${next}`,
      };
    }
  }
  return {
    code: "ONLYONCE_AMQP_CHANNEL_ERROR",
    message: `RabbitMQ closed a channel (${text}). ${next}`,
  };
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
}
