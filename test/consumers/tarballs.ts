import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../servers/command.js";
import { outsideEnvironment } from "./npm.js";

/** The public packages, by the names of their folders. */
export const PACKAGES = ["core", "redis", "kafka", "rabbitmq", "otel", "testing"] as const;
export type PackageName = (typeof PACKAGES)[number];

/** What would be published: the path of each package's tarball. */
export type Tarballs = Readonly<Record<PackageName, string>>;

export interface Packed {
  readonly tarballs: Tarballs;
  /** Deletes the tarballs. */
  remove(): Promise<void>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the public packages and packs them into a folder of their own. */
export async function packAll(): Promise<Packed> {
  const options = { cwd: root, env: outsideEnvironment(process.env) };
  const projects = PACKAGES.map((name) => join("packages", name));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  await runCommand(process.execPath, [compiler, "-b", ...projects], options);
  const folder = await mkdtemp(join(tmpdir(), "onlyonce-tarballs-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const workspaces = projects.flatMap((project) => ["--workspace", project]);
    await runCommand("npm", ["pack", ...workspaces, "--pack-destination", folder], options);
    return { tarballs: await tarballsIn(folder), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function tarballsIn(folder: string): Promise<Tarballs> {
  const files = await readdir(folder);
  const pathOf = (name: PackageName): string => {
    const file = files.find((candidate) => candidate.startsWith(`onlyonce-${name}-`));
    if (file === undefined) throw new Error(`npm pack made no tarball of @onlyonce/${name}`);
    return join(folder, file);
  };
  return {
    core: pathOf("core"),
    redis: pathOf("redis"),
    kafka: pathOf("kafka"),
    rabbitmq: pathOf("rabbitmq"),
    otel: pathOf("otel"),
    testing: pathOf("testing"),
  };
}
