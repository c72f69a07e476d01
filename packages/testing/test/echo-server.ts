import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Answers each line with `re:` and the line. */
export interface EchoServer extends AsyncDisposable {
  readonly port: number;
  /** Every line received, over all connections. */
  readonly lines: readonly string[];
}

export async function startEchoServer(): Promise<EchoServer> {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = "";
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      const parts = (rest + data.toString()).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
      if (parts.length > 0) socket.write(parts.map((line) => `re:${line}\n`).join(""));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A client that keeps what it receives. */
export class LineClient {
  received = "";
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      this.received += data.toString();
    });
  }

  static async connect(port: number): Promise<LineClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new LineClient(socket);
    await Promise.race([once(socket, "connect").catch(() => undefined), client.#closed]);
    return client;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  end(): void {
    this.#socket.end();
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    await this.#closed;
  }
}
