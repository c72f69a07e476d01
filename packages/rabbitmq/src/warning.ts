export type WarningCode =
  | "ONLYONCE_AMQP_FOREIGN_ACK"
  | "ONLYONCE_AMQP_CONSUMER_TIMEOUT"
  | "ONLYONCE_AMQP_CHANNEL_ERROR"
  | "ONLYONCE_AMQP_CONSUMER_CANCELLED"
  | "ONLYONCE_AMQP_CONSUME_AGAIN"
  | "ONLYONCE_AMQP_CALLBACK"
  | "ONLYONCE_AMQP_REPLY"
  | "ONLYONCE_AMQP_RETRY_EXCHANGE"
  | "ONLYONCE_AMQP_UNEXPECTED";

/** Says something that nobody awaits. Warnings never change what happens to a message. */
export function warn(code: WarningCode, message: string): void {
  process.emitWarning(message, { type: "OnlyOnceWarning", code });
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
