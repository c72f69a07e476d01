import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GiveUp, until } from "./deadline.js";
import { OwnedProcess, type OwnedProcessOptions } from "./owned-process.js";
import { protocolAnswer } from "./protocol-answer.js";
import type { ServiceName } from "./service.js";

/** A private server on a loopback port, ours to pause, kill and stop. */
export interface OwnedServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Its data and its log. Deleted by {@link stop} unless the caller named it. */
  readonly dir: string;
  /** SIGSTOP: the process keeps its sockets and answers nobody. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL. Data stay in {@link dir} until {@link stop}. */
  kill(): Promise<void>;
  /** SIGTERM, then SIGKILL; deletes a temporary {@link dir}. Twice is fine. */
  stop(): Promise<void>;
}

/** The data folder of a private server. */
export interface ServerFolder {
  readonly dir: string;
  /** Ours to delete; `undefined` when the caller named the folder. */
  readonly disposableDir: string | undefined;
}

/** A folder named by the caller, or a temporary one. */
export async function serverFolder(name: ServiceName, dir?: string): Promise<ServerFolder> {
  if (dir !== undefined) {
    await mkdir(dir, { recursive: true });
    return { dir, disposableDir: undefined };
  }
  const created = await mkdtemp(join(tmpdir(), `onlyonce-${name}-`));
  return { dir: created, disposableDir: created };
}

/** Deletes the folder if it is ours to delete. */
export async function discard({ disposableDir }: ServerFolder): Promise<void> {
  if (disposableDir === undefined) return;
  await rm(disposableDir, { recursive: true, force: true, maxRetries: 5 });
}

/** What {@link startServer} runs and how it knows that the server is ready. */
export interface ServerStart {
  readonly name: ServiceName;
  readonly endpoint: string;
  readonly port: number;
  readonly folder: ServerFolder;
  readonly process: Omit<OwnedProcessOptions, "logFile" | "disposableDir">;
  /** Longest wait for the first protocol answer. */
  readonly readyWithinMs: number;
  /** Stopped after the server, killed with it. */
  readonly companion?: OwnedProcess;
}

/** Starts the process and resolves once it answers in its own protocol. */
export async function startServer(start: ServerStart): Promise<OwnedServer> {
  const { name, endpoint, folder, companion } = start;
  const server = await OwnedProcess.start({
    ...start.process,
    logFile: join(folder.dir, `${name}.log`),
    disposableDir: folder.disposableDir,
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await companion?.stop();
    await discard(folder);
  };
  try {
    await until(
      async () => {
        if (server.status !== undefined) throw new GiveUp(`${name} ended with ${server.status}`);
        await protocolAnswer(name, endpoint);
        return true;
      },
      { what: `Starting ${name}`, limitMs: start.readyWithinMs },
    );
  } catch (error) {
    const tail = server.logTail();
    await server.kill();
    await stop();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}\n${start.process.command} said:\n${tail}`, { cause: error });
  }
  return {
    port: start.port,
    pid: server.pid,
    dir: folder.dir,
    pause: () => server.signal("SIGSTOP"),
    resume: () => server.signal("SIGCONT"),
    kill: async () => {
      await server.kill();
      await companion?.kill();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
