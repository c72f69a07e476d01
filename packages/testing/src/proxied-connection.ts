import type { Socket } from "node:net";

/** The weather of a proxy, looked at for every piece of data. */
export interface Network {
  /** How long data travels, each way, in milliseconds. */
  delayMs: number;
  swallowsReplies: boolean;
  /** Called when a reply has been swallowed. */
  onSwallow: () => void;
  /** The next reply is not delivered: its client is cut off instead. */
  cut: PendingCut | undefined;
}

export interface PendingCut {
  /** Only a reply on a connection that has sent these bytes since the cut was asked for. */
  readonly requested: Buffer | undefined;
  done(): void;
}

/** One client and its connection to the server, with everything that travels between them. */
export class ProxiedConnection {
  /** Replies have been discarded: what the client would read next belongs to other requests. */
  hasSwallowed = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #network: Network;
  #watched: PendingCut | undefined;
  #lastRequested: Buffer = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, network: Network, onClose: () => void) {
    this.#client = client;
    this.#server = server;
    this.#network = network;
    client.setNoDelay(true);
    server.setNoDelay(true);
    relay(client, server, network, (request) => this.#forward(request));
    relay(server, client, network, (reply) => this.#deliver(reply));
    client.once("close", onClose);
  }

  /** Resets the client and leaves the server; what was forwarded already is still executed there. */
  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.destroySoon();
  }

  /** Drops both ends and whatever is still under way. */
  destroy(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  #forward(request: Buffer): boolean {
    const { cut } = this.#network;
    if (cut?.requested !== undefined && cut !== this.#watched) {
      const seen = Buffer.concat([this.#lastRequested, request]);
      if (seen.includes(cut.requested)) this.#watched = cut;
      this.#lastRequested = Buffer.from(seen.subarray(-cut.requested.length));
    }
    return this.#server.write(request);
  }

  #deliver(reply: Buffer): boolean {
    const { cut, swallowsReplies } = this.#network;
    if (cut !== undefined && (cut.requested === undefined || cut === this.#watched)) {
      this.#network.cut = undefined;
      this.cut();
      cut.done();
      return true;
    }
    if (swallowsReplies) {
      this.hasSwallowed = true;
      this.#network.onSwallow();
      return true;
    }
    return this.#client.write(reply);
  }
}

/** Carries data one way, in order, each piece delayed on its own. `pass` answers whether the receiver keeps up. */
function relay(from: Socket, to: Socket, network: Network, pass: (data: Buffer) => boolean): void {
  const travelling: (() => void)[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let lastDueAtMs = 0;

  const send = (arrive: () => void): void => {
    const nowMs = performance.now();
    lastDueAtMs = Math.max(lastDueAtMs, nowMs + network.delayMs);
    if (travelling.length === 0 && lastDueAtMs <= nowMs) {
      arrive();
      return;
    }
    travelling.push(arrive);
    const timer = setTimeout(() => {
      timers.delete(timer);
      travelling.shift()?.();
    }, lastDueAtMs - nowMs);
    timers.add(timer);
  };

  from.on("data", (data: Buffer) => {
    send(() => {
      if (!to.destroyed && !pass(data)) from.pause();
    });
  });
  from.on("end", () => send(() => to.end()));
  from.on("error", () => to.destroy());
  from.on("close", (hadError) => {
    if (hadError) to.destroy();
  });
  to.on("drain", () => from.resume());
  to.on("close", () => {
    for (const timer of timers) clearTimeout(timer);
    from.destroySoon();
  });
}
