import { spawn } from "node:child_process";

/** Outlives its owner just long enough to clean up what the owner left running. */
export interface Guardian {
  /** The process has ended by itself; its pid may belong to somebody else by now. */
  processEnded(): void;
  /** Everything was cleaned up properly. */
  dismiss(): void;
}

/**
 * Waits for the end of its standard input, which is when the owner is gone for whatever reason.
 * A line on standard input means that the process has already ended.
 */
const SCRIPT = `
while read -r line; do ended=yes; done
if [ -z "$ended" ]; then
  kill -9 "$1"
  tries=0
  while kill -0 "$1" && [ "$tries" -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
fi
if [ -n "$2" ]; then rm -rf "$2"; fi
`;

/** Kills `pid` and deletes `dir` as soon as this Node process is gone, even by SIGKILL. */
export function guard(pid: number, dir: string | undefined): Guardian {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "onlyonce-guardian", String(pid), dir ?? ""], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  child.unref();
  // The pipe is a socket, which keeps the event loop alive unless told otherwise.
  const pipe: unknown = child.stdin;
  if (pipe !== null && typeof pipe === "object" && "unref" in pipe) {
    (child.stdin as unknown as { unref(): void }).unref();
  }
  return {
    processEnded: () => void child.stdin.write("ended\n"),
    dismiss: () => void child.kill("SIGKILL"),
  };
}
