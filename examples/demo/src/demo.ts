import { appendFileSync } from "node:fs";
import { ServiceUnavailableError } from "@onlyonce/test/servers";
import type { DemoOptions } from "./arguments.js";
import { Cleanup } from "./cleanup.js";
import { runEmbedded } from "./embedded/embedded-run.js";
import { Progress } from "./progress.js";
import { complaints, json, type Report, table } from "./report.js";
import { RunFolder } from "./run-folder.js";
import { runOnServices } from "./services-run.js";

/** The whole run may take so long, in milliseconds; it usually takes half a minute. */
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
      run({ ...options, folder, progress, cleanup }),
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
  for (const failure of failures) console.log(failure);
  console.log(`Ledgers and journals: ${folder.path}`);
  if (!options.isEmbedded) console.log(`What the client libraries logged: ${folder.clientLog}`);
  if (options.isJson) console.log(json(report));
  return failures.length === 0 ? 0 : 1;
}

function explain(error: unknown, folder: RunFolder): number {
  if (error instanceof ServiceUnavailableError) {
    console.error(error.message);
    return 2;
  }
  if (error instanceof Interruption) {
    console.error(error.message);
  } else {
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  console.error(`What was written until then, client logs included: ${folder.path}`);
  return error instanceof Interruption ? error.exitCode : 1;
}

interface InterruptionWatch {
  readonly happened: Promise<never>;
  ignore(): void;
}

function watchForInterruption(): InterruptionWatch {
  let interrupt = (_reason: Interruption): void => {};
  const happened = new Promise<never>((_resolve, reject) => {
    interrupt = reject;
  });
  happened.catch(() => {});
  const seconds = DEADLINE_MS / 1_000;
  const timer = setTimeout(
    () => interrupt(new Interruption(`Not finished after ${seconds} seconds: given up.`, 1)),
    DEADLINE_MS,
  );
  const onSignal = (signal: NodeJS.Signals): void =>
    interrupt(new Interruption(`Stopped by ${signal}.`, signal === "SIGINT" ? 130 : 143));
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    happened,
    ignore() {
      clearTimeout(timer);
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
  };
}
