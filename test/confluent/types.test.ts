import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, inject, it, onTestFinished } from "vitest";
import { runCommand } from "../servers/command.js";

const PACKAGE = "@confluentinc/kafka-javascript";

function pathTo(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

it("a guarded run config, and handlers that were written for Confluent's client, compile against its published types", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onlyonce-types-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const client = join(inject("confluentFolder") ?? "", "node_modules", PACKAGE);
  const config = {
    extends: pathTo("../../tsconfig.base.json"),
    compilerOptions: {
      composite: false,
      incremental: false,
      noEmit: true,
      skipLibCheck: true,
      types: ["node"],
      typeRoots: [pathTo("../../node_modules/@types")],
      paths: { [PACKAGE]: [join(client, "index.d.ts")] },
    },
    files: [pathTo("./types/run-config.ts")],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = pathTo("../../node_modules/typescript/bin/tsc");
  const said = await runCommand(process.execPath, [tsc, "-p", folder], {
    cwd: folder,
    env: process.env,
  });
  expect(said).toBe("");
});
