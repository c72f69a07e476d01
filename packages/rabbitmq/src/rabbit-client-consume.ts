import type { Context, Deduplicator } from "@onlyonce/core";
import { attend, topicPolicy } from "@onlyonce/core/adapter";
import { quote, requireFunction } from "@onlyonce/core/internal";
import type { RabbitConsumer } from "./consumer.js";
import type { AmqpMessage } from "./delivery.js";
import { type RabbitConsumeOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import type { FlatMessage, RabbitClientConnection, RabbitClientMessage } from "./rabbit-client.js";
import { GuardedRabbitClient } from "./rabbit-client-consumer.js";
import type { RetryByReject } from "./retry-route.js";

/** The message type of a connection of rabbitmq-client: what its consumers receive. */
export type ClientMessageOf<Connection extends RabbitClientConnection> = Parameters<
  Parameters<Connection["createConsumer"]>[1]
>[0];

export interface RabbitClientOptions<Message = RabbitClientMessage>
  extends Omit<RabbitConsumeOptions<Message>, "retry" | "onCancel"> {
  /** As in `RabbitConsumeOptions`; there is no retry exchange with confirmed copies here. */
  readonly retry?: RetryByReject;
}

/**
 * `rabbitConsume` for the client `rabbitmq-client`: the same table, told to the broker by the status that the callback of
 * its consumer answers. Failed and busy messages rest unacked. The client consumes again by itself after a lost channel
 * or connection; messages that wait let go of theirs within about 2 s, so that it can.
 *
 * The queue must exist. The client parses JSON bodies before anybody sees them, so digits of numbers beyond 2^53 are lost
 * to key strategies that read the body. Rejects when the consumer can't start; invalid options throw at once.
 */
export function rabbitClientConsume<
  Topic extends string,
  Connection extends RabbitClientConnection,
>(
  deduplicator: Deduplicator<Topic>,
  connection: Connection,
  queue: Topic | (string & {}),
  handler: (message: ClientMessageOf<Connection>, context: Context) => Promise<void>,
  options: RabbitClientOptions<ClientMessageOf<Connection>> = {},
): Promise<RabbitConsumer> {
  requireConnection(connection);
  if (typeof queue !== "string" || queue === "") {
    throw new TypeError(`queue must be a non-empty string, got ${quote(queue)}`);
  }
  requireFunction("handler", handler);
  const policyOf = (topic: string) => topicPolicy(deduplicator, topic);
  const resolved = resolveOptions(queue, options, (topic) => policyOf(topic).maxAttempts);
  for (const name of ["retry", "replay", "onCancel"] as const) {
    if (resolved[name] === undefined) continue;
    throw new TypeError(`options.${name} is for amqplib, and not available with rabbitmq-client`);
  }
  const { deadLetter } = resolved;
  const flatOf = (message: AmqpMessage) =>
    // What a connection gives to its consumers is its own message type.
    (message as FlatMessage).flat as ClientMessageOf<Connection>;
  const guarded = new GuardedRabbitClient({
    queue,
    policy: policyOf(resolved.topic),
    options: {
      ...resolved,
      deadLetter: deadLetter && ((message, why) => deadLetter(flatOf(message), why)),
    } satisfies ResolvedOptions,
    attend: (message, delivery, attendOptions) => {
      // What the client parsed is all that there is of the body.
      const payload = (message as FlatMessage).flat.body as NonNullable<typeof delivery.payload>;
      const run = (context: Context) => handler(flatOf(message), context);
      return attend(deduplicator, { ...delivery, payload }, run, attendOptions);
    },
  });
  return start(connection, queue, resolved, guarded);
}

async function start(
  connection: RabbitClientConnection,
  queue: string,
  { prefetch, consume }: Pick<ResolvedOptions, "prefetch" | "consume">,
  guarded: GuardedRabbitClient,
): Promise<RabbitConsumer> {
  const props = {
    ...consume,
    queue,
    qos: { prefetchCount: prefetch },
    concurrency: prefetch,
    requeue: true,
    queueOptions: { passive: true },
  } as const;
  await guarded.started(connection.createConsumer(props, guarded.onMessage));
  return guarded;
}

function requireConnection(connection: unknown): void {
  const isObject = typeof connection === "object" && connection !== null;
  if (!isObject || typeof Reflect.get(connection, "createConsumer") !== "function") {
    throw new TypeError(
      "connection must be a Connection of rabbitmq-client, which has the method createConsumer",
    );
  }
}
