import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { findNodeRuntimes } from "./node-runtimes.js";

it("a Node.js that can't be had is left out, and a line says that it is not tested", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onlyonce-no-node-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const lines: string[] = [];
  const runtimes = await findNodeRuntimes({
    env: {
      ...process.env,
      ONLYONCE_CACHE: join(folder, "cache"),
      ONLYONCE_OFFLINE: "1",
      npm_config_cache: join(folder, "npm"),
    },
    report: (line) => void lines.push(line),
  });
  const own = process.versions.node;
  expect(runtimes).toEqual([{ version: own, node: process.execPath }]);
  const prefix = "consumers are NOT tested on Node.js ";
  const untested = lines
    .filter((line) => line.startsWith(prefix))
    .map((line) => Number.parseInt(line.slice(prefix.length), 10));
  const lineOfOwn = Number.parseInt(own, 10);
  expect(untested.sort()).toEqual([20, 22, 24, 26].filter((line) => line !== lineOfOwn));
  expect(await readdir(join(folder, "cache"))).toEqual([]);
});
