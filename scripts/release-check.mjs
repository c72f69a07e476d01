// All that can go wrong before `npx changeset publish`, and nothing of what it does: a build from nothing, the checks,
// the packages in the hands of their users, the changesets, and what each tarball would hold. Publishes nothing. The
// tests that need services are those of `npm test`.
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = readdirSync(join(root, "packages"))
  .map((name) => join("packages", name))
  .filter(
    (folder) =>
      JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).private !== true,
  );

/** Ends the whole check when the command fails. */
function run(command, ...args) {
  console.log(`\n+ ${[command, ...args].join(" ")}`);
  // A cached build could bring back files of sources that are gone.
  const env = { ...process.env, TURBO_FORCE: "true" };
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", env });
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(`\nNot ready: ${command} ${args[0]} failed.`);
    process.exit(1);
  }
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1).padStart(7)} kB`;
}

// The compiler leaves behind what it made of sources that are gone.
for (const folder of packages) rmSync(join(root, folder, "dist"), { recursive: true, force: true });
run("npx", "tsc", "-b", "--force");
run("npm", "run", "check");
run("npx", "vitest", "run", "--project", "repository", "--project", "consumers");
run("npx", "changeset", "status");

console.log("\n+ npm pack --dry-run");
const workspaces = packages.flatMap((folder) => ["--workspace", folder]);
const packed = execFileSync("npm", ["pack", "--dry-run", "--json", ...workspaces], { cwd: root });
for (const { name, version, size, unpackedSize, files } of Object.values(JSON.parse(packed))) {
  console.log(
    `\n${name}@${version}: ${files.length} files,${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`,
  );
  for (const { path, size: bytes } of files) console.log(`  ${kilobytes(bytes)}  ${path}`);
}
console.log("\nReady. Nothing was published.");
