import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { findRedisInstallation } from "@onlyonce/test/servers/redis-installation";
import type { ScenarioResult } from "./contest.js";
import type { Effort } from "./effort.js";

export interface BenchmarkReport extends Effort {
  readonly machine: Machine;
  readonly commit: string;
  /** Processes that wanted a CPU: the mean of the minute before the first round, and of the one before the end. */
  readonly load: { readonly before: number; readonly after: number };
  readonly results: readonly ScenarioResult[];
}

/** What the figures were taken on. Their ratios travel to other machines; the figures don't. */
export interface Machine {
  readonly cpus: string;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
}

export function loadNow(): number {
  return Number(loadavg()[0]?.toFixed(2));
}

export async function describeMachine(): Promise<Machine> {
  const all = cpus();
  return {
    cpus: `${all.length} × ${all[0]?.model.trim() ?? "unknown"}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    redis: await redisVersion(),
  };
}

async function redisVersion(): Promise<string> {
  const { server, env } = await findRedisInstallation();
  const told = execFileSync(server, ["--version"], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return /v=(\S+)/.exec(told)?.[1] ?? told.trim();
}

/** Of the working tree; "unknown" outside of one. */
export function describeCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  try {
    const isDirty = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (isDirty ? " with changes" : "");
  } catch {
    return "unknown";
  }
}
