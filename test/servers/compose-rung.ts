import { connect } from "node:net";
import { protocolAnswer } from "./protocol-answer.js";
import { notOurs, type RungSteps } from "./rung.js";
import type { ServiceName } from "./service.js";

/** Ports of docker-compose.yml: uncommon ones, so that nobody else's servers are met there. */
export const COMPOSE_PORTS = {
  redis: 56_379,
  rabbitmq: 55_672,
  kafka: 59_092,
} as const satisfies Record<ServiceName, number>;

/** Our compose project, if somebody has brought it up. */
export const composeRung: RungSteps = {
  async look(name) {
    const address = `127.0.0.1:${COMPOSE_PORTS[name]}`;
    // A refused connection is the usual case: no need to load a client library for it.
    if (!(await isOpen(COMPOSE_PORTS[name]))) {
      return { isUsable: false, reason: "our compose project is not up" };
    }
    try {
      await protocolAnswer(name, composeEndpoint(name));
      return { isUsable: true, reason: `our compose project answers on ${address}` };
    } catch {
      return { isUsable: false, reason: `${address} is open but does not answer as ${name}` };
    }
  },
  async take(name) {
    return { endpoint: composeEndpoint(name), stop: notOurs };
  },
};

function composeEndpoint(name: ServiceName): string {
  const address = `127.0.0.1:${COMPOSE_PORTS[name]}`;
  switch (name) {
    case "redis":
      return `redis://${address}`;
    case "rabbitmq":
      return `amqp://guest:guest@${address}`;
    case "kafka":
      return address;
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
    socket.once("timeout", () => answer(false));
  });
}
