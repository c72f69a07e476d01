/** The socket of a connection, as Node's streams have it. */
interface Corkable {
  cork(): void;
  uncork(): void;
}

/**
 * Lets what a channel sends in one turn of the event loop leave in one write: acks come in groups, because completions
 * do, and a write for each costs more than the rest of the ack. amqplib hands its frames to the socket in an immediate
 * of its own, so the socket is held until after that one. A channel that does not show its socket writes as ever.
 */
export class WriteBatch {
  readonly #channel: object;
  #held: Corkable | undefined;

  constructor(channel: object) {
    this.#channel = channel;
  }

  /** To be called after something was sent, when amqplib has asked for its turn. */
  sent(): void {
    if (this.#held !== undefined) return;
    const socket = socketOf(this.#channel);
    if (socket === undefined) return;
    this.#held = socket;
    socket.cork();
    process.nextTick(() => setImmediate(this.#release));
  }

  readonly #release = (): void => {
    const socket = this.#held;
    this.#held = undefined;
    socket?.uncork();
  };
}

function socketOf(channel: object): Corkable | undefined {
  const socket = memberOf(memberOf(channel, "connection"), "stream");
  const canCork = ["cork", "uncork"].every((name) => typeof memberOf(socket, name) === "function");
  return canCork ? (socket as Corkable) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
