// Writes the version of @onlyonce/otel, which its spans and metrics carry, into its sources. Part of `release:version`.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "packages", "otel");
const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const file = join(folder, "src", "version.ts");
const source = readFileSync(file, "utf8");
writeFileSync(file, source.replace(/VERSION = "[^"]*"/, `VERSION = ${JSON.stringify(version)}`));
