import { type Findings, LADDER } from "./rung-choice.js";
import type { ServiceName } from "./service.js";
import { URL_VARIABLES } from "./url-rung.js";

const TITLES = {
  redis: "Redis",
  rabbitmq: "RabbitMQ",
  kafka: "Apache Kafka",
} as const satisfies Record<ServiceName, string>;

const EXAMPLE_URLS = {
  redis: "redis://127.0.0.1:6379",
  rabbitmq: "amqp://guest:guest@127.0.0.1:5672",
  kafka: "127.0.0.1:9092",
} as const satisfies Record<ServiceName, string>;

const INSTALL = {
  redis: "sudo apt-get install redis-server",
  rabbitmq: "sudo apt-get install rabbitmq-server",
  kafka: "sudo apt-get install openjdk-17-jre-headless maven",
} as const satisfies Record<ServiceName, string>;

/** What was tried, and the commands of which any one helps. */
export function unavailableMessage(
  name: ServiceName,
  findings: Findings,
  env: NodeJS.ProcessEnv,
): string {
  const tried = LADDER.flatMap((rung) => {
    const finding = findings[rung];
    return finding === undefined ? [] : [`  ${rung.padEnd(10)} ${finding.reason}`];
  });
  const restrictions = ["ONLYONCE_SERVICES", "ONLYONCE_OFFLINE"].filter((key) => env[key]);
  return [
    `${TITLES[name]} is not available here. Tried:`,
    ...tried,
    "Any one of these helps:",
    `  docker compose up -d --wait ${name}`,
    `  ${INSTALL[name]}`,
    `  export ${URL_VARIABLES[name]}=${EXAMPLE_URLS[name]}`,
    ...restrictions.map((key) => `  unset ${key}`),
  ].join("\n");
}
