import { appendFileSync } from "node:fs";
import { ServiceUnavailableError } from "@onlyonce/test/servers";
import type { DemoOptions } from "./arguments.js";
import { Cleanup } from "./cleanup.js";
import { runEmbedded } from "./embedded/embedded-run.js";
import { Progress } from "./progress.js";
import { complaints, json, type Report, remarks, table } from "./report.js";
import { RunFolder } from "./run-folder.js";
import { runOnServices } from "./services-run.js";
import { traceReport } from "./trace-report.js";

/** How long a run may take once the services are there, in milliseconds; it usually takes 20 s. */
const DEADLINE_MS = 120_000;

/** Why the run ends before its time, and with which exit code. */
class Interruption extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs the demo and prints what came of it. Resolves with the exit code, and with nothing left running. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const startedAtMs = performance.now();
  const folder = new RunFolder();
  const progress = new Progress(process.stdout);
  const cleanup = new Cleanup();
  const interruption = watchForInterruption();
  // The clients' warnings are noise like their logs.
  process.removeAllListeners("warning");
  process.on("warning", (warning) => appendFileSync(folder.clientLog, `${warning.stack}\n`));
  const { isEmbedded } = options;
  let exitCode = 0;
  let report: Report | undefined;
  try {
    const run = isEmbedded ? runEmbedded : runOnServices;
    const results = await Promise.race([
      run({ ...options, folder, progress, cleanup, onReady: () => interruption.startDeadline() }),
      interruption.happened,
    ]);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    report = { ...options, results, seconds, folder: folder.path };
  } catch (error) {
    progress.end();
    exitCode = explain(error, folder);
  }
  const leftovers = await cleanup.run();
  interruption.ignore();
  progress.end();
  for (const error of leftovers) console.error(`While cleaning up: ${String(error)}`);
  if (report === undefined) return exitCode;
  return present(report, options, folder);
}

function present(report: Report, options: DemoOptions, folder: RunFolder): number {
  const failures = complaints(report);
  console.log(`\n${table(report)}\n`);
  for (const text of [...failures, ...remarks(report)]) console.log(text);
  console.log(`Ledgers and journals: ${folder.path}`);
  if (!options.isEmbedded) console.log(`What the client libraries logged: ${folder.clientLog}`);
  if (options.isTraced) console.log(`\n${traceReport(folder.path)}`);
  if (options.isJson) console.log(json(report));
  return failures.length === 0 ? 0 : 1;
}

function explain(error: unknown, folder: RunFolder): number {
  const isError = error instanceof Error;
  console.error(isError ? error.message : String(error));
  if (error instanceof ServiceUnavailableError) return 2;
  console.error(`What was written until then, client logs included: ${folder.path}`);
  if (error instanceof Interruption) return error.exitCode;
  appendFileSync(folder.clientLog, `${isError ? error.stack : String(error)}\n`);
  return 1;
}

interface InterruptionWatch {
  readonly happened: Promise<never>;
  /** From now on the time is limited: finding services may mean to download them first. */
  startDeadline(): void;
  ignore(): void;
}

/** Ctrl-C, a polite kill, or the deadline. A second signal does not wait for the cleanup. */
function watchForInterruption(): InterruptionWatch {
  let interrupt = (_reason: Interruption): void => {};
  const happened = new Promise<never>((_resolve, reject) => {
    interrupt = reject;
  });
  happened.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    const exitCode = signal === "SIGINT" ? 130 : 143;
    if (signals > 1) process.exit(exitCode);
    interrupt(new Interruption(`Stopped by ${signal}.`, exitCode));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    happened,
    startDeadline() {
      const text = `Not finished after ${DEADLINE_MS / 1_000} seconds: given up.`;
      timer = setTimeout(() => interrupt(new Interruption(text, 1)), DEADLINE_MS);
    },
    ignore() {
      clearTimeout(timer);
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
  };
}
