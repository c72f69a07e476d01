import { quote, refuseUnknown, requireObject, requireOneOf } from "@onlyonce/core/internal";
import { checkDelays, DEAD_ROUTE, type RetryRoute } from "./retry-route.js";
import { textOf } from "./warning.js";

/** The part of an amqplib channel (promise API) that declares. */
export interface TopologyChannel {
  checkQueue(queue: string): PromiseLike<unknown>;
  checkExchange(exchange: string): PromiseLike<unknown>;
  assertQueue(queue: string, options: object): PromiseLike<unknown>;
  assertExchange(exchange: string, type: string, options: object): PromiseLike<unknown>;
  bindQueue(queue: string, exchange: string, routingKey: string): PromiseLike<unknown>;
  once(event: string, listener: (error?: unknown) => void): unknown;
}

export interface RetryTopologyOptions {
  /** @defaultValue the name of the queue and `.retry` */
  readonly exchange?: string;
  /**
   * One queue is declared for each delay, in milliseconds (1 to 2,147,483,647). A message rests in the shortest that is
   * long enough for its back-off.
   * @defaultValue 1 s, 5 s and 30 s
   */
  readonly delaysMs?: readonly number[];
  /** Where poison goes; `false`: nothing is declared for it. @defaultValue the name of the queue and `.dead` */
  readonly deadLetterQueue?: string | false;
  /** @defaultValue classic */
  readonly queueType?: "classic" | "quorum";
  /**
   * `false`: nothing is declared, it is only looked whether everything is there. For consumers that may not declare.
   * @defaultValue true
   */
  readonly declare?: boolean;
}

const OPTIONS = [
  "exchange",
  "delaysMs",
  "deadLetterQueue",
  "queueType",
  "declare",
] as const satisfies readonly (keyof RetryTopologyOptions)[];

interface Part {
  readonly kind: "queue" | "exchange";
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The key under which a queue is bound to the exchange; undefined: not bound. */
  readonly route?: string;
}

interface Plan {
  readonly isDeclared: boolean;
  readonly route: RetryRoute;
  readonly parts: readonly Part[];
}

/**
 * Declares what delayed retry and dead-lettering of `queue` need, and answers what the option `retry` of
 * `rabbitConsume` wants. The queue itself must exist and stays as it is. Doing it again changes nothing. All is durable:
 *
 * | declared | what for |
 * |---|---|
 * | exchange `payments.retry`, direct | takes what is to rest |
 * | queues `payments.retry.1000`, `.5000`, `.30000` | keep it for so long, then dead-letter it to `payments` |
 * | queue `payments.dead` | keeps poison until somebody moves it back to `payments` |
 *
 * Rejects with what is missing, or what may not be declared, and the list of all that is needed. The broker closes the
 * channel then: call this before you consume, on a channel you can lose. Wrong options throw at once.
 */
export function setupRetryTopology(
  channel: TopologyChannel,
  queue: string,
  options: RetryTopologyOptions = {},
): Promise<RetryRoute> {
  if (typeof queue !== "string" || queue === "") {
    throw new TypeError(`queue must be a non-empty string, got ${quote(queue)}`);
  }
  return settle(channel, queue, planFor(queue, options));
}

function planFor(queue: string, options: RetryTopologyOptions): Plan {
  requireObject("options", options);
  refuseUnknown("options of setupRetryTopology", options, OPTIONS);
  const { exchange = `${queue}.retry`, deadLetterQueue = `${queue}.dead` } = options;
  if (typeof exchange !== "string" || exchange === "") {
    throw new TypeError(`options.exchange must be a non-empty string, got ${quote(exchange)}`);
  }
  if (
    deadLetterQueue !== false &&
    (typeof deadLetterQueue !== "string" || deadLetterQueue === "")
  ) {
    throw new TypeError(
      `options.deadLetterQueue must be a non-empty string or false, got ${quote(deadLetterQueue)}`,
    );
  }
  const { declare = true, queueType = "classic" } = options;
  if (typeof declare !== "boolean") {
    throw new TypeError(`options.declare must be true or false, got ${quote(declare)}`);
  }
  const type = requireOneOf("options.queueType", queueType, ["classic", "quorum"]);
  const delaysMs = checkDelays("options.delaysMs", options.delaysMs ?? [1_000, 5_000, 30_000]);
  const ofType = { "x-queue-type": type };
  const parts: Part[] = [{ kind: "exchange", name: exchange, arguments: {} }];
  for (const delayMs of delaysMs) {
    const back = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
    parts.push({
      kind: "queue",
      name: `${exchange}.${delayMs}`,
      arguments: { ...ofType, "x-message-ttl": delayMs, ...back },
      route: String(delayMs),
    });
  }
  if (deadLetterQueue === false)
    return { isDeclared: declare, route: { exchange, delaysMs }, parts };
  parts.push({ kind: "queue", name: deadLetterQueue, arguments: ofType, route: DEAD_ROUTE });
  return { isDeclared: declare, route: { exchange, delaysMs, deadLetter: true }, parts };
}

async function settle(channel: TopologyChannel, queue: string, plan: Plan): Promise<RetryRoute> {
  // What the broker refuses is told by the call that failed; unheard, it would take the connection down.
  channel.once("error", () => undefined);
  await explained(plan, `queue ${quote(queue)}`, () => channel.checkQueue(queue));
  for (const part of plan.parts) {
    await explained(plan, `${part.kind} ${quote(part.name)}`, () =>
      plan.isDeclared ? declare(channel, part) : check(channel, part),
    );
    const { name, route } = part;
    if (plan.isDeclared && route !== undefined) {
      await explained(plan, `the binding ${quote(route)} of queue ${quote(name)}`, () =>
        channel.bindQueue(name, plan.route.exchange, route),
      );
    }
  }
  return plan.route;
}

function check(channel: TopologyChannel, { kind, name }: Part): PromiseLike<unknown> {
  return kind === "exchange" ? channel.checkExchange(name) : channel.checkQueue(name);
}

function declare(channel: TopologyChannel, part: Part): PromiseLike<unknown> {
  return part.kind === "exchange"
    ? channel.assertExchange(part.name, "direct", { durable: true })
    : channel.assertQueue(part.name, { durable: true, arguments: part.arguments });
}

async function explained(
  { parts, route }: Plan,
  what: string,
  ask: () => PromiseLike<unknown>,
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    throw new Error(
      `${what} is missing, differs, or may not be declared (${textOf(error)}). Needed, all durable: ${parts.map((part) => describe(part, route)).join("; ")}`,
      { cause: error },
    );
  }
}

function describe(part: Part, { exchange }: RetryRoute): string {
  if (part.kind === "exchange") return `direct exchange ${quote(part.name)}`;
  return `queue ${quote(part.name)} with the arguments ${JSON.stringify(part.arguments)}, bound to ${quote(exchange)} by ${quote(part.route)}`;
}
