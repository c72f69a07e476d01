import { randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, inject, it, type TestContext } from "vitest";
import { Child } from "../children/child.js";
import type { InvoicesSettings } from "../children/invoices-main.js";
import { until } from "../servers/deadline.js";

const SESSION_MS = 6_000;

/** Orders and invoices, the consumers between them, and what a reader sees. */
class Billing {
  readonly #name = randomBytes(6).toString("hex");
  readonly #brokers = inject("kafkaBrokers").split(",");
  readonly #kafka = new Kafka({ brokers: this.#brokers, logLevel: logLevel.NOTHING });
  readonly #context: TestContext;
  readonly #orders = `orders-${this.#name}`;
  readonly #invoices = `invoices-${this.#name}`;
  readonly #read: string[] = [];

  private constructor(context: TestContext) {
    this.#context = context;
  }

  static async open(context: TestContext): Promise<Billing> {
    const billing = new Billing(context);
    const names = [billing.#orders, billing.#invoices];
    const admin = billing.#kafka.admin();
    await admin.connect();
    const topics = names.map((topic) => ({ topic, numPartitions: 1 }));
    await admin.createTopics({ topics, waitForLeaders: true });
    const reader = billing.#kafka.consumer({
      groupId: `reader-${billing.#name}`,
      maxWaitTimeInMs: 200,
    });
    context.onTestFinished(async () => {
      await reader.disconnect();
      await admin.deleteTopics({ topics: names });
      await admin.disconnect();
    });
    await reader.connect();
    await reader.subscribe({ topics: [billing.#invoices], fromBeginning: true });
    await reader.run({
      eachMessage: async ({ message }) => void billing.#read.push(String(message.value)),
    });
    return billing;
  }

  consumer(crashes?: InvoicesSettings["crashes"]): Child {
    const child = new Child("invoices", {
      brokers: this.#brokers,
      redisUrl: inject("redisUrl"),
      prefix: `t${this.#name}:`,
      orders: this.#orders,
      invoices: this.#invoices,
      groupId: `billing-${this.#name}`,
      transactionalId: `billing-${this.#name}`,
      sessionTimeoutMs: SESSION_MS,
      policy: { ackTimeoutMs: 60_000, leaseMs: 2_000, busyWaitMs: 5_000, windowMs: 300_000 },
      ...(crashes !== undefined && { crashes }),
    } satisfies InvoicesSettings);
    this.#context.onTestFinished(() => child.kill());
    return child;
  }

  async send(...ids: readonly string[]): Promise<void> {
    const producer = this.#kafka.producer();
    await producer.connect();
    const messages = ids.map((id) => ({ value: id, headers: { id } }));
    await producer.send({ topic: this.#orders, messages });
    await producer.disconnect();
  }

  /** The committed invoices, once there is one of `last`. */
  async invoicesUpTo(last: string): Promise<readonly string[]> {
    return until(() => (this.#read.includes(last) ? [...this.#read] : undefined), {
      what: `Reading the invoice of ${last}`,
      limitMs: 60_000,
    });
  }
}

describe.concurrent("a guarded consumer that produces in a transaction", () => {
  it("killed before the commit leaves no invoice: its successor writes the only one", async (context) => {
    const billing = await Billing.open(context);
    await billing.send("o1", "o2");
    await billing.consumer("before the commit").exited();
    const successor = billing.consumer();
    expect(await billing.invoicesUpTo("o2")).toEqual(["o1", "o2"]);
    expect(successor.of("started", "o1")).toMatchObject([{ attempt: 1 }]);
  });

  it("killed between the commit and the record of it repeats nothing by itself, but does not know the order when it is sent again", async (context) => {
    const billing = await Billing.open(context);
    await billing.send("o1", "o2");
    const victim = billing.consumer("after the commit");
    await victim.exited();
    expect(victim.of("finished", "o1")).toHaveLength(1);
    const successor = billing.consumer();
    expect(await billing.invoicesUpTo("o2")).toEqual(["o1", "o2"]);
    expect(successor.of("started").map(({ id }) => id)).toEqual(["o2"]);
    await billing.send("o2", "o1", "o3");
    expect(await billing.invoicesUpTo("o3")).toEqual(["o1", "o2", "o1", "o3"]);
    await successor.heard("outcome", 20_000, "o3");
    expect(successor.of("outcome").map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      "o2 processed",
      "o2 duplicate",
      "o1 processed",
      "o3 processed",
    ]);
  });
});
