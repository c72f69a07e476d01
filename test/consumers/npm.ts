import { runCommand } from "../servers/command.js";

export interface Installation {
  readonly folder: string;
  /** Packages and tarballs, on top of what the folder's own package.json asks for. */
  readonly packages: readonly string[];
  readonly isOffline: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Installs into a folder that is thrown away. Runs no scripts of packages. */
export async function npmInstall({
  folder,
  packages,
  isOffline,
  env,
}: Installation): Promise<void> {
  const flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
  const source = isOffline ? "--offline" : "--prefer-offline";
  await runCommand("npm", ["install", ...flags, source, ...packages], {
    cwd: folder,
    env: outsideEnvironment(env),
  });
}

/** What a test runner and `npm run` say to the processes they start, and a user's own shell does not. */
const INSIDE =
  /^(npm_(?!config_)|npm_config_(local_prefix|workspaces?)$|VITEST|NODE_(ENV|OPTIONS|PATH|CHANNEL.*|UNIQUE_ID)$|(TEST|MODE|DEV|PROD|SSR|BASE_URL|INIT_CWD|FORCE_COLOR)$)/;

/** The environment as in a user's shell: proxies, registries and certificates stay. */
export function outsideEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !INSIDE.test(name)));
}
