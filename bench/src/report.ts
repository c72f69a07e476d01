import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import type { ScenarioResult } from "./contest.js";

export interface Report {
  readonly machine: string;
  readonly commit: string;
  readonly scenarios: readonly ScenarioResult[];
}

export function reportOf(scenarios: readonly ScenarioResult[]): Report {
  return { machine: machine(), commit: commit(), scenarios };
}

/** One line for people. */
export function lineOf({ name, unit, ours, peers, ratios }: ScenarioResult): string {
  const others = Object.entries(peers).map(
    ([peer, value]) => `${peer} ${value} (ratio ${ratios[peer]})`,
  );
  return `${name} [${unit}]: onlyonce ${ours}, ${others.join(", ")}`;
}

function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? "unknown"}, Node ${process.version}, ${process.platform}`;
}

/** Of the working tree; "unknown" outside of one. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  try {
    const isDirty = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (isDirty ? " with changes" : "");
  } catch {
    return "unknown";
  }
}
