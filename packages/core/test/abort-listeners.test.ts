import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { offAbort, onAbort } from "../src/abort-listeners.js";

describe("what waits for a signal", () => {
  it("is one listener of the signal, however many wait, and all of them are called once", () => {
    const controller = new AbortController();
    const waiting = Array.from({ length: 1_000 }, () => vi.fn());
    for (const listener of waiting) onAbort(controller.signal, listener);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    controller.abort();
    for (const listener of waiting) expect(listener).toHaveBeenCalledTimes(1);
  });

  it("is not called once it waits no longer, and leaves the others waiting", () => {
    const controller = new AbortController();
    const [gone, here] = [vi.fn(), vi.fn()];
    offAbort(controller.signal, gone);
    onAbort(controller.signal, gone);
    onAbort(controller.signal, here);
    offAbort(controller.signal, gone);
    controller.abort();
    expect(gone).not.toHaveBeenCalled();
    expect(here).toHaveBeenCalledTimes(1);
  });
});
