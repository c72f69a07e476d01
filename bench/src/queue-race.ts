import { randomBytes, randomUUID } from "node:crypto";
import type { Channel, ChannelModel } from "amqplib";

/** Starts a consumer that acks each message once. */
export type Consume = (channel: Channel, queue: string) => Promise<void>;

const BODY = randomBytes(1024);

/** A queue full of messages, drained against the clock. Part of the messages are copies of ones that were processed before. */
export class QueueRace {
  readonly #connection: ChannelModel;
  readonly #messages: number;
  readonly #duplicatePercent: number;
  readonly #run = randomUUID();

  constructor(connection: ChannelModel, messages: number, duplicatePercent: number) {
    this.#connection = connection;
    this.#messages = messages;
    this.#duplicatePercent = duplicatePercent;
  }

  /** Lets the contestants remember what will come again. */
  async forEachRemembered(remember: (id: string) => Promise<unknown>): Promise<void> {
    const ids = this.#ids("").filter((id) => id.startsWith(this.#run));
    await Promise.all(ids.map(remember));
  }

  /** Fills a queue, and tells how many messages a second were acked. */
  async round(consume: Consume): Promise<number> {
    const queue = `bench-${randomUUID()}`;
    const channel = await this.#connection.createChannel();
    await channel.assertQueue(queue, { durable: false, autoDelete: true });
    await this.#fill(queue);
    const allAcked = this.#countAcks(channel);
    const startMs = performance.now();
    await consume(channel, queue);
    await allAcked;
    const seconds = (performance.now() - startMs) / 1000;
    await channel.close();
    return this.#messages / seconds;
  }

  async #fill(queue: string): Promise<void> {
    const channel = await this.#connection.createConfirmChannel();
    for (const messageId of this.#ids(randomUUID())) {
      channel.sendToQueue(queue, BODY, { messageId });
    }
    await channel.waitForConfirms();
    await channel.close();
  }

  /** Spread evenly: remembered ones are the same in every round, the others are new. */
  #ids(round: string): string[] {
    return Array.from({ length: this.#messages }, (_, i) =>
      (i * 37) % 100 < this.#duplicatePercent ? `${this.#run}-${i}` : `${round}-${i}`,
    );
  }

  #countAcks(channel: Channel): Promise<void> {
    let left = this.#messages;
    return new Promise((resolve) => {
      const ack = channel.ack.bind(channel);
      channel.ack = (message) => {
        ack(message);
        left -= 1;
        if (left === 0) resolve();
      };
    });
  }
}
