import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { probeContainerEngine } from "../container-engine.js";

describe("probeContainerEngine", () => {
  it("waits no longer than three seconds for an engine that hangs", async () => {
    const sockets: Socket[] = [];
    const engine = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      engine.close();
    });
    const { port } = engine.address() as AddressInfo;
    vi.stubEnv("DOCKER_HOST", `tcp://127.0.0.1:${port}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await probeContainerEngine(process.env)).toEqual({
      isRunning: false,
      reason: "no container engine (Asking the container engine took longer than 3000 ms)",
    });
    expect(sockets).not.toEqual([]);
  });
});
