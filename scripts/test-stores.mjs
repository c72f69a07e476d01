// Runs the tests of the Redis store, and those of its topologies and troubles, on Redis 8 and on Valkey 8. The servers
// come from Debian's archive into ~/.cache/onlyonce; nothing is installed.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { newerStores } from "../test/dist/servers/newer-stores.js";

const TESTS = ["packages/redis/test", "test/faults/redis-"];
const [only] = process.argv.slice(2);

const failed = [];
for (const { name, bin } of await newerStores()) {
  if (only !== undefined && only !== name) continue;
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    // Neither REDIS_URL nor a container: this server and no other.
    ONLYONCE_SERVICES: "path",
  };
  const version = spawnSync(join(bin, "redis-server"), ["--version"], { env, encoding: "utf8" });
  process.stderr.write(`${name}: ${version.stdout}`);
  const args = ["vitest", "run", "--project", "redis", "--project", "faults", ...TESTS];
  const { status } = spawnSync("npx", args, { env, stdio: "inherit" });
  if (status !== 0) failed.push(name);
}
process.stderr.write(failed.length === 0 ? "all passed\n" : `failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
