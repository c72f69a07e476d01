// Finds or starts Redis, RabbitMQ and Kafka, prints where they are, and keeps them until Ctrl-C.
// The lines on standard output can be pasted into a shell.
import { once } from "node:events";
import { findServices, ServiceUnavailableError } from "../test/dist/servers/index.js";

try {
  const { services, stop } = await findServices(["redis", "rabbitmq", "kafka"]);
  process.stdout.write(
    `export REDIS_URL=${services.redis.endpoint}\n` +
      `export AMQP_URL=${services.rabbitmq.endpoint}\n` +
      `export KAFKA_BROKERS=${services.kafka.endpoint}\n`,
  );
  process.stderr.write("Ctrl-C stops what was started.\n");
  const waiting = setInterval(() => {}, 60_000);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  clearInterval(waiting);
  await stop();
} catch (error) {
  if (!(error instanceof ServiceUnavailableError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
