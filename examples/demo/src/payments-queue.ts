import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import type { Broker } from "./broker.js";
import type { Copy } from "./workload.js";

/** Should this process die before it removes the queue, the broker does so after so long without consumers. */
const EXPIRES_MS = 600_000;

/** A RabbitMQ queue of payments. */
export class PaymentsQueue implements Broker {
  readonly source: string;
  readonly #connection: ChannelModel;
  readonly #channel: ConfirmChannel;

  private constructor(source: string, connection: ChannelModel, channel: ConfirmChannel) {
    this.source = source;
    this.#connection = connection;
    this.#channel = channel;
  }

  static async create(url: string, source: string): Promise<PaymentsQueue> {
    const connection = await connect(url);
    // Without listeners a connection that breaks would end this process; with them the next call rejects.
    connection.on("error", () => {});
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    await channel.assertQueue(source, {
      durable: true,
      arguments: { "x-queue-type": "quorum", "x-expires": EXPIRES_MS },
    });
    return new PaymentsQueue(source, connection, channel);
  }

  async publish(copies: readonly Copy[]): Promise<void> {
    for (const { copyId, task } of copies) {
      const body = Buffer.from(JSON.stringify(task));
      this.#channel.sendToQueue(this.source, body, {
        persistent: true,
        contentType: "application/json",
        headers: { "copy-id": copyId },
      });
    }
    await this.#channel.waitForConfirms();
  }

  async left(): Promise<number> {
    const { messageCount } = await this.#channel.checkQueue(this.source);
    return messageCount;
  }

  async remove(): Promise<void> {
    await this.#channel.deleteQueue(this.source);
    await this.#connection.close();
  }
}
