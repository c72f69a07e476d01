import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { until } from "../deadline.js";

/** Compiled by `npm test` before the tests run; Node itself cannot run our sources. */
const COMPILED = new URL("../../dist/servers/redis-process.js", import.meta.url);

/** Starts a Redis, says where it is, then ends in the given way. */
const OWNER = `
const { startRedis } = await import(process.argv[1]);
const server = await startRedis();
console.log(JSON.stringify({ pid: server.pid, dir: server.dir }));
process.stdin.once("data", () => eval(process.argv[2]));
`;

interface Owned {
  readonly owner: ChildProcess;
  readonly pid: number;
  readonly dir: string;
}

async function ownerThatEndsBy(ending: string): Promise<Owned> {
  expect(existsSync(fileURLToPath(COMPILED)), "run `npx tsc -b` first").toBe(true);
  const owner = spawn(
    process.execPath,
    ["--input-type=module", "-e", OWNER, COMPILED.href, ending],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  onTestFinished(() => void owner.kill("SIGKILL"));
  const [line] = await once(createInterface(owner.stdout), "line");
  return { owner, ...(JSON.parse(String(line)) as { pid: number; dir: string }) };
}

/** A process that has ended but was not collected yet is no longer running. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a private server", () => {
  it.each([
    ["returns", "process.exit(0)"],
    ["throws", "setImmediate(() => { throw new Error('unexpected'); })"],
    ["is interrupted", "process.kill(process.pid, 'SIGINT')"],
    ["is terminated", "process.kill(process.pid, 'SIGTERM')"],
    ["is killed", "process.kill(process.pid, 'SIGKILL')"],
  ])("does not outlive an owner that %s, nor does its folder", async (_, ending) => {
    const { owner, pid, dir } = await ownerThatEndsBy(ending);
    expect(isRunning(pid)).toBe(true);
    expect(existsSync(dir)).toBe(true);
    const ended = once(owner, "exit");
    owner.stdin?.write("end\n");
    await ended;
    await until(() => (isRunning(pid) || existsSync(dir) ? undefined : true), {
      what: "Cleaning up after the owner",
      limitMs: 20_000,
    });
  });

  it("does not keep a process alive that has nothing else to do", async () => {
    const { owner, pid } = await ownerThatEndsBy("process.stdin.unref()");
    const ended = once(owner, "exit");
    owner.stdin?.write("end\n");
    const [code] = await ended;
    expect(code).toBe(0);
    await until(() => (isRunning(pid) ? undefined : true), {
      what: "Cleaning up after the owner",
      limitMs: 20_000,
    });
  });
});
