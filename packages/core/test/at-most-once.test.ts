import { describe, expect, it, vi } from "vitest";
import type { Delivery } from "../src/index.js";
import { PermanentError } from "../src/index.js";
import { guarded, payment } from "./guarded.js";

/** A consumer whose effect may be missed but never repeated: it remembers first, whatever becomes of its work. */
function atMostOnce(effect: (delivery: Delivery) => void) {
  const { dedup } = guarded();
  return async (delivery: Delivery): Promise<"dropped" | "done"> => {
    if (await dedup.isDuplicate(delivery)) return "dropped";
    effect(delivery);
    return "done";
  };
}

describe("behaviour 22: a message that failed and must not be tried again", () => {
  it("is dropped when it comes again, where it is remembered before its effect", async () => {
    const effect = vi.fn(() => {
      throw new Error("half done");
    });
    const consume = atMostOnce(effect);
    await expect(consume(payment("p1"))).rejects.toThrow("half done");
    expect(await consume(payment("p1"))).toBe("dropped");
    expect(effect).toHaveBeenCalledTimes(1);
  });

  it("is dropped when it comes again, where its handler ends its failure and resolves", async () => {
    const { dedup, observer } = guarded();
    const effect = vi.fn(() => {
      throw new Error("half done");
    });
    const handler = (): "given up" => {
      try {
        return effect();
      } catch {
        return "given up";
      }
    };
    await dedup.process(payment("p1"), handler);
    expect((await dedup.process(payment("p1"), handler)).outcome).toBe("duplicate");
    expect(effect).toHaveBeenCalledTimes(1);
    expect(observer.names()).toEqual(["processed", "duplicate"]);
  });

  it("runs again in all other cases: no failure is kept behind the handler's back", async () => {
    const { dedup } = guarded();
    const handler = vi.fn((): string => {
      throw handler.mock.calls.length < 3 ? new Error("later") : new PermanentError("never");
    });
    for (const message of ["later", "later", "never", "never"]) {
      await expect(dedup.process(payment("p1"), handler)).rejects.toThrow(message);
    }
    expect(handler).toHaveBeenCalledTimes(4);
  });
});
