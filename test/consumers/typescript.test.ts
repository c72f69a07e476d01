import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Consumer, installConsumer } from "./consumer.js";
import { PACKAGES, type PackageName } from "./tarballs.js";

/** The one TypeScript example of a package's README. */
async function exampleOf(name: PackageName): Promise<string> {
  const readme = new URL(`../../packages/${name}/README.md`, import.meta.url);
  const examples = [...(await readFile(readme, "utf8")).matchAll(/^```ts\n(.*?)^```/gms)];
  expect(examples, readme.pathname).toHaveLength(1);
  return examples[0]?.[1] ?? "";
}

describe("a TypeScript project that checks all declarations", () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installConsumer("typescript", PACKAGES);
    for (const name of PACKAGES) {
      const file = join(consumer.folder, "src", `readme-${name}.ts`);
      await writeFile(file, await exampleOf(name));
    }
    return () => consumer.remove();
  });

  it.each(["5.9", "6.0", "7.0"])(
    "compiles with TypeScript %s: our whole face, what must not compile, and the READMEs' examples",
    async (version) => {
      const tsc = `node_modules/typescript-${version}/bin/tsc`;
      const { stdout: said } = await consumer.run([tsc, "--version"]);
      expect(said).toContain(`Version ${version}.`);
      const { stdout: compiled } = await consumer.run([tsc, "--project", ".", "--listFiles"]);
      for (const name of PACKAGES) {
        expect(compiled).toContain(`/node_modules/@onlyonce/${name}/dist/index.d.ts\n`);
        expect(compiled).toContain(`/src/readme-${name}.ts\n`);
      }
    },
  );
});
