import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startTcpProxy, type TcpProxy } from "../src/index.js";
import { type EchoServer, LineClient, startEchoServer } from "./echo-server.js";

const DEADLINE = { timeout: 5_000, interval: 5 };

async function started(): Promise<{ server: EchoServer; proxy: TcpProxy }> {
  const server = await startEchoServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const proxy = await startTcpProxy({ target: { host: "127.0.0.1", port: server.port } });
  onTestFinished(() => proxy.close());
  return { server, proxy };
}

async function receives(client: LineClient, text: string): Promise<void> {
  await vi.waitFor(() => expect(client.received).toBe(text), DEADLINE);
}

describe("startTcpProxy", () => {
  it("forwards both ways and counts its clients", async () => {
    const { server, proxy } = await started();
    const [first, second] = [
      await LineClient.connect(proxy.port),
      await LineClient.connect(proxy.port),
    ];
    first.send("a\n");
    second.send("b\n");
    await receives(first, "re:a\n");
    await receives(second, "re:b\n");
    expect(proxy.connections).toBe(2);
    expect([...server.lines].sort()).toEqual(["a", "b"]);
    first.end();
    await first.closed();
    await vi.waitFor(() => expect(proxy.connections).toBe(1), DEADLINE);
  });

  it("carries more than its buffers hold, byte for byte", async () => {
    const { proxy } = await started();
    const client = await LineClient.connect(proxy.port);
    const lines = Array.from({ length: 2_000 }, (_, line) => `${line}:${"x".repeat(2_000)}`);
    client.send(lines.map((line) => `${line}\n`).join(""));
    const expected = lines.map((line) => `re:${line}\n`).join("");
    await vi.waitFor(() => expect(client.received.length).toBe(expected.length), DEADLINE);
    expect(client.received === expected).toBe(true);
  });

  it("keeps a user's address but for host and port", async () => {
    const { proxy } = await started();
    expect(proxy.url("redis://user:secret@redis.example:6379/3?family=4")).toBe(
      `redis://user:secret@127.0.0.1:${proxy.port}/3?family=4`,
    );
    expect(proxy.url("amqp://guest@rabbit.example/%2f")).toBe(
      `amqp://guest@127.0.0.1:${proxy.port}/%2f`,
    );
  });

  it("delays each way, and lets nothing overtake when the delay ends", async () => {
    const { server, proxy } = await started();
    const client = await LineClient.connect(proxy.port);
    proxy.delay(60);
    const sentAtMs = performance.now();
    client.send("slow\n");
    await receives(client, "re:slow\n");
    expect(performance.now() - sentAtMs).toBeGreaterThanOrEqual(118);
    client.send("first\n");
    await vi.waitFor(() => expect(server.lines).toContain("first"), DEADLINE);
    proxy.delay(0);
    client.send("second\n");
    await receives(client, "re:slow\nre:first\nre:second\n");
  });

  it("swallows replies: applied but unanswered, and the client is cut off when that ends", async () => {
    const { server, proxy } = await started();
    const client = await LineClient.connect(proxy.port);
    client.send("answered\n");
    await receives(client, "re:answered\n");
    const swallowed = proxy.swallowReplies();
    client.send("unanswered\n");
    await swallowed;
    proxy.restore();
    await client.closed();
    expect(client.received).toBe("re:answered\n");
    expect(server.lines).toEqual(["answered", "unanswered"]);
    const next = await LineClient.connect(proxy.port);
    next.send("again\n");
    await receives(next, "re:again\n");
  });

  it("cuts exactly the next reply: the request is applied, the client is reset", async () => {
    const { server, proxy } = await started();
    const client = await LineClient.connect(proxy.port);
    const cut = proxy.cutNextReply();
    client.send("applied\n");
    await cut;
    await client.closed();
    expect(client.received).toBe("");
    expect(server.lines).toEqual(["applied"]);
    const next = await LineClient.connect(proxy.port);
    next.send("applied\n");
    await receives(next, "re:applied\n");
  });

  it("cuts the reply to a certain request, even when it arrives in pieces, and no earlier one", async () => {
    const { server, proxy } = await started();
    const [client, bystander] = [
      await LineClient.connect(proxy.port),
      await LineClient.connect(proxy.port),
    ];
    const cut = proxy.cutNextReply("EVALSHA");
    client.send("PING\n");
    await receives(client, "re:PING\n");
    bystander.send("PING\n");
    await receives(bystander, "re:PING\n");
    client.send("hello EVAL");
    client.send("SHA now\n");
    await cut;
    await client.closed();
    expect(client.received).toBe("re:PING\n");
    expect(server.lines).toContain("hello EVALSHA now");
    bystander.send("PING\n");
    await receives(bystander, "re:PING\nre:PING\n");
  });

  it("cuts all clients off at once, and lets new ones in", async () => {
    const { proxy } = await started();
    const clients = [await LineClient.connect(proxy.port), await LineClient.connect(proxy.port)];
    await vi.waitFor(() => expect(proxy.connections).toBe(2), DEADLINE);
    proxy.cut();
    for (const client of clients) await client.closed();
    const next = await LineClient.connect(proxy.port);
    next.send("x\n");
    await receives(next, "re:x\n");
  });

  it("refuses new clients until restored, and keeps those that it has", async () => {
    const { server, proxy } = await started();
    const early = await LineClient.connect(proxy.port);
    early.send("early\n");
    await receives(early, "re:early\n");
    proxy.refuseConnections();
    const refused = await LineClient.connect(proxy.port);
    refused.send("refused\n");
    await refused.closed();
    early.send("still\n");
    await receives(early, "re:early\nre:still\n");
    proxy.restore();
    const late = await LineClient.connect(proxy.port);
    late.send("late\n");
    await receives(late, "re:late\n");
    expect(server.lines).toEqual(["early", "still", "late"]);
  });

  it("closes a client whose server is gone", async () => {
    const { server, proxy } = await started();
    await server[Symbol.asyncDispose]();
    const client = await LineClient.connect(proxy.port);
    await client.closed();
    expect(client.received).toBe("");
  });

  it("closes with clients connected, and twice", async () => {
    const { proxy } = await started();
    const client = await LineClient.connect(proxy.port);
    proxy.delay(60_000);
    client.send("under way\n");
    await proxy.close();
    await proxy.close();
    await client.closed();
    expect(proxy.connections).toBe(0);
  });
});
