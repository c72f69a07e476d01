import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "amqplib";
import { describe, expect, it, onTestFinished } from "vitest";
import { protocolAnswer } from "../protocol-answer.js";
import {
  type RabbitmqProcess,
  type RabbitmqProcessOptions,
  startRabbitmq,
} from "../rabbitmq-process.js";

async function rabbitmq(options?: RabbitmqProcessOptions): Promise<RabbitmqProcess> {
  const server = await startRabbitmq(options);
  onTestFinished(() => server.stop());
  return server;
}

describe("a private RabbitMQ", () => {
  it("is handed over ready, obeys rabbitmqctl and further configuration, and can be paused", async () => {
    const server = await rabbitmq({ config: ["channel_max = 7"] });
    const connection = await connect(server.url);
    connection.on("error", () => {});
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue("jobs");
    channel.sendToQueue("jobs", Buffer.from("job"));
    await channel.waitForConfirms();
    expect(await server.ctl(["-q", "list_queues", "name", "messages"])).toContain("jobs\t1");
    expect(await server.ctl(["-q", "environment"])).toMatch(/\{channel_max,7\}/);
    await expect(server.ctl(["no_such_command"])).rejects.toThrow("no_such_command");

    server.pause();
    await expect(protocolAnswer("rabbitmq", server.url, 300)).rejects.toThrow();
    server.resume();
    await protocolAnswer("rabbitmq", server.url);
    await connection.close();
  });

  it("keeps what was durable when killed and started again in the same folder", async () => {
    const dir = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
    onTestFinished(() => rm(dir, { recursive: true }));
    const server = await rabbitmq({ dir });
    const connection = await connect(server.url);
    connection.on("error", () => {});
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    await channel.assertQueue("ledger", { durable: true });
    channel.sendToQueue("ledger", Buffer.from("entry"), { persistent: true });
    await channel.waitForConfirms();
    await server.kill();
    await expect(protocolAnswer("rabbitmq", server.url)).rejects.toThrow("ECONNREFUSED");

    const again = await rabbitmq({ dir, port: server.port });
    expect(await again.ctl(["-q", "list_queues", "name", "messages"])).toContain("ledger\t1");
  });
});
