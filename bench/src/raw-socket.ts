import { connect, type Socket } from "node:net";
import { type Guard, WINDOW_MS } from "./guards.js";

const OK_BYTES = "+OK\r\n".length;
const MINUS = "-".charCodeAt(0);

/**
 * One SET for each message, and another one once that is answered. What one turn of the event loop asks for leaves in
 * one write, and answers are counted, not read. Nothing is guarded: what claims a message with one command and completes
 * it with another can't be faster over one connection.
 */
export class RawSocket implements Guard {
  readonly #socket: Socket;
  readonly #waiting: { readonly untilBytes: number; readonly resolve: () => void }[] = [];
  #unsent = "";
  #askedBytes = 0;
  #answeredBytes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#answered(chunk));
  }

  static async connect(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    return new RawSocket(socket);
  }

  one(id: string): Promise<void> {
    return this.all([id]);
  }

  async all(ids: readonly string[]): Promise<void> {
    await this.#set(ids, "claimed");
    await this.#set(ids, "1");
  }

  close(): void {
    this.#socket.destroy();
  }

  #set(ids: readonly string[], value: string): Promise<void> {
    let commands = "";
    for (const id of ids) commands += setCommand(id, value);
    if (this.#unsent === "") process.nextTick(() => this.#send());
    this.#unsent += commands;
    this.#askedBytes += OK_BYTES * ids.length;
    return new Promise((resolve) => {
      this.#waiting.push({ untilBytes: this.#askedBytes, resolve });
    });
  }

  #send(): void {
    this.#socket.write(this.#unsent, "latin1");
    this.#unsent = "";
  }

  #answered(chunk: Buffer): void {
    if (chunk.includes(MINUS)) throw new Error(`the server answered ${chunk.toString("latin1")}`);
    this.#answeredBytes += chunk.length;
    const isOver = this.#waiting.findIndex(({ untilBytes }) => untilBytes > this.#answeredBytes);
    const over = this.#waiting.splice(0, isOver < 0 ? this.#waiting.length : isOver);
    for (const { resolve } of over) resolve();
  }
}

/** A key as long as ours. */
function setCommand(id: string, value: string): string {
  const key = `once:{}${id}`;
  const ms = String(WINDOW_MS);
  return `*5\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n$2\r\nPX\r\n$${ms.length}\r\n${ms}\r\n`;
}
