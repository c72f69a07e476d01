import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Network, type PendingCut, ProxiedConnection } from "./proxied-connection.js";

export interface TcpProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
}

/** A bad network between a client and a server. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many clients are connected. */
  readonly connections: number;
  /** The same address by way of the proxy: user, password, path and query are kept. */
  url(original: string): string;
  /** From now on data takes this long, each way, in milliseconds; what is under way keeps its time. */
  delay(ms: number): void;
  /**
   * From now on requests are forwarded and their replies discarded: applied, but unanswered. Resolves when the first
   * reply has been discarded.
   */
  swallowReplies(): Promise<void>;
  /**
   * Forwards requests, but cuts the client off instead of delivering the next reply. With `requested`, only a reply on a
   * connection that has sent this text since. Resolves when it has happened.
   */
  cutNextReply(requested?: string): Promise<void>;
  /** Cuts all clients off at once. New ones may connect. */
  cut(): void;
  /** From now on new clients are reset; those that are connected stay. */
  refuseConnections(): void;
  /** Ends all of the above. Clients whose replies were swallowed are cut off: the rest would answer other requests. */
  restore(): void;
  close(): Promise<void>;
}

/** Listens on a free port of the loopback interface and forwards to `target`. */
export async function startTcpProxy({ target }: TcpProxyOptions): Promise<TcpProxy> {
  const network: Network = {
    delayMs: 0,
    swallowsReplies: false,
    onSwallow: () => undefined,
    cut: undefined,
  };
  const connections = new Set<ProxiedConnection>();
  let refuses = false;

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => undefined);
    if (refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...target, allowHalfOpen: true });
    const connection = new ProxiedConnection(client, server, network, () => {
      connections.delete(connection);
    });
    connections.add(connection);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;

  const cut = (): void => {
    for (const connection of connections) connection.cut();
  };
  const close = async (): Promise<void> => {
    if (!listener.listening) return;
    const closed = once(listener, "close");
    listener.close();
    for (const connection of connections) connection.destroy();
    await closed;
  };

  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return connections.size;
    },
    url(original) {
      const url = new URL(original);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    delay(ms) {
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`ms must be from 0, got ${ms}`);
      network.delayMs = ms;
    },
    swallowReplies() {
      network.swallowsReplies = true;
      return new Promise((done) => {
        network.onSwallow = done;
      });
    },
    cutNextReply(requested) {
      return new Promise((done) => {
        const bytes = requested === undefined ? undefined : Buffer.from(requested);
        network.cut = { requested: bytes, done } satisfies PendingCut;
      });
    },
    cut,
    refuseConnections() {
      refuses = true;
    },
    restore() {
      refuses = false;
      network.delayMs = 0;
      network.swallowsReplies = false;
      network.cut = undefined;
      for (const connection of connections) if (connection.hasSwallowed) connection.cut();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
