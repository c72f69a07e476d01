import type { Observer } from "@onlyonce/core";
import type { ChildMessage } from "./child.js";

/** Tells the test that started this process; `then` is called once that has left. */
export function tell(message: Omit<ChildMessage, "atMs">, then?: () => void): void {
  const atMs = performance.timeOrigin + performance.now();
  process.send?.({ ...message, atMs } satisfies ChildMessage, undefined, undefined, then);
}

/** What the test passed on. */
export function settings<Settings>(): Settings {
  return JSON.parse(process.argv[2] ?? "{}") as Settings;
}

/** Resolves when the test says so. */
export function heard(word: "go" | "finish"): Promise<void> {
  return new Promise((resolve) => {
    const listen = (said: unknown): void => {
      if (said !== word) return;
      process.off("message", listen);
      resolve();
    };
    process.on("message", listen);
  });
}

/** Tells every outcome and incident. */
export const tellingObserver: Observer = {
  outcome: ({ delivery, outcome, detail }) => {
    const id = delivery.id ?? String(delivery.headers?.id ?? "");
    tell({
      event: "outcome",
      id,
      outcome: detail === undefined ? outcome : `${outcome}:${detail}`,
    });
  },
  incident: ({ kind }) => tell({ event: "incident", outcome: kind }),
};

/** A test that ends must not leave its children behind. */
export function endWithParent(): void {
  process.once("disconnect", () => process.exit(0));
}
