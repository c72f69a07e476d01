import { describe, expect } from "vitest";
import type { StoreTest } from "./store-harness.js";
import { LEASE_MS, TestKey, told } from "./test-key.js";

/** Copies of calls that arrive after later calls by others, after their sender gave up, or after it died. */
export function describeLateCopies(test: StoreTest): void {
  describe.concurrent("late copies", () => {
    describeLateClaims(test);
    describeLateCallsOfFormerOwners(test);
    describeLateCompletions(test);
  });
}

function describeLateClaims(test: StoreTest): void {
  test("behaviour 45: a claim whose reply was lost is granted to its sender again, as attempt 1", async (subject) => {
    const key = new TestKey(subject);
    await key.claim("mine");
    expect(await key.claim("mine")).toEqual({
      status: "acquired",
      grant: 1,
      attempt: 1,
      suspect: false,
    });
    expect(await key.complete(key.held("mine", 1))).toBe("ok");
  });

  test("a claim resent after its lease lapsed restarts the lease", async (subject) => {
    const key = new TestKey(subject);
    await key.takeAndLapse("mine");
    expect(told(await key.claim("mine"))).toBe("acquired, grant 1, attempt 1");
    expect(told(await key.claim("other"))).toBe("busy with mine");
  });

  test("a claim resent after its own start mark answers the same attempt", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.take("mine");
    await key.start(held);
    expect(told(await key.claim("mine"))).toBe("acquired, grant 1, attempt 1");
    expect(await key.state()).toBe("live claim of mine, attempts 1");
  });

  test("a claim resent after a takeover still says that a lapse was seen", async (subject) => {
    const key = new TestKey(subject);
    await key.takeAndLapse("other");
    await key.take("mine");
    expect(told(await key.claim("mine"))).toBe("acquired, grant 2, attempt 1, suspect");
  });

  test("a late copy of a claim does not lengthen the lease of the one who holds the key by now", async (subject) => {
    const key = new TestKey(subject);
    await key.takeAndLapse("mine");
    await key.take("other");
    expect(told(await key.claim("mine", { leaseMs: 10 * LEASE_MS }))).toBe("busy with other");
    const reply = await key.claim("third");
    expect(reply).toMatchObject({ status: "busy", origin: { coordinates: "other" } });
    expect(reply.status === "busy" && reply.leaseLeftMs).toBeLessThanOrEqual(LEASE_MS);
  });

  test("a late copy of a claim that was released meets stale and leaves no claim that nobody owns", async (subject) => {
    const key = new TestKey(subject);
    await key.release(await key.take("mine"), "unstarted");
    expect(await key.claim("mine")).toEqual({ status: "stale" });
    expect(told(await key.claim("other"))).toBe(
      "reclaimed after a release from mine, grant 2, attempt 1",
    );
  });

  test("a claim given up without an answer can be released by its token alone", async (subject) => {
    const key = new TestKey(subject);
    await key.claim("mine");
    const released = await subject.store.release([{ ...key.request("mine"), as: "unstarted" }]);
    expect(released).toEqual(["ok"]);
    expect(await key.claim("mine")).toEqual({ status: "stale" });
    expect(await key.state()).toBe("failed by mine, attempts 0");
  });
}

function describeLateCallsOfFormerOwners(test: StoreTest): void {
  test("behaviour 36: a late owner's start, renewal and release are refused while its successor runs", async (subject) => {
    const key = new TestKey(subject);
    const late = await key.takeAndLapse("mine");
    await key.take("other");
    expect(await key.start(late)).toBe("lost");
    expect(await key.renew(late)).toBe("lost");
    expect(await key.release(late, "failed")).toBe("lost");
    expect(await key.release(late, "unstarted")).toBe("lost");
    expect(await key.release(late, "reset")).toBe("lost");
    expect(await key.state()).toBe("live claim of other, attempts 0");
  });

  test("behaviour 36: a late owner's calls are refused after its successor completed", async (subject) => {
    const key = new TestKey(subject);
    const late = await key.takeAndLapse("mine");
    expect(await key.complete(await key.take("other"))).toBe("ok");
    expect(await key.start(late)).toBe("lost");
    expect(await key.renew(late)).toBe("lost");
    expect(await key.release(late, "failed")).toBe("lost");
    expect(await key.complete(late)).toBe("stolen");
    expect(await key.state()).toBe(test.words("completed by other"));
  });

  test("behaviour 46: a release that is sent twice never frees a successor's claim", async (subject) => {
    const key = new TestKey(subject);
    const mine = await key.take("mine");
    expect(await key.release(mine, "failed")).toBe("ok");
    expect(await key.release(mine, "failed")).toBe("ok");
    await key.take("other");
    expect(await key.release(mine, "failed")).toBe("lost");
    expect(await key.state()).toBe("live claim of other, attempts 1");
  });

  test("copies of an earlier grant's calls change nothing when their token holds the key again", async (subject) => {
    const key = new TestKey(subject);
    const first = await key.takeAndLapse("mine");
    await key.release(await key.take("other"), "reset");
    const again = await key.take("mine");
    expect([first.grant, again.grant]).toEqual([1, 3]);
    expect(await key.start(first)).toBe("lost");
    expect(await key.renew(first)).toBe("lost");
    expect(await key.release(first, "failed")).toBe("lost");
    expect(await key.attempts()).toBe(0);
    expect(await key.complete(again)).toBe("ok");
  });

  test("a late renewal revives neither a released nor a completed record", async (subject) => {
    const [released, completed] = [new TestKey(subject), new TestKey(subject)];
    const first = await released.take("mine");
    await released.release(first, "failed");
    const second = await completed.take("mine");
    await completed.complete(second);
    expect(await subject.store.renew([first, second])).toEqual(["lost", "lost"]);
    expect(await released.state()).toBe("failed by mine, attempts 1");
    expect(await completed.state()).toBe(test.words("completed by mine"));
  });

  test("a renewal restores a record that the store lost, under the same grant", async (subject) => {
    const key = new TestKey(subject);
    await key.takeAndLapse("other");
    const held = await key.take("mine");
    await subject.lose(key.digest);
    expect(await key.renew(held)).toBe("restored");
    expect(await key.renew(held)).toBe("ok");
    expect(told(await key.claim("other"))).toBe("busy with mine");
    expect(await key.complete(held)).toBe("ok");
  });

  test("a renewal does not restore a record that somebody else claimed since it was lost", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.take("mine");
    await subject.lose(key.digest);
    await key.take("other");
    expect(await key.renew(held)).toBe("lost");
    expect(await key.complete(held)).toBe("stolen");
  });
}

function describeLateCompletions(test: StoreTest): void {
  test("a completion after the lease lapsed, with no successor, is recorded as late, however often it is sent", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.takeAndLapse("mine");
    expect(await key.complete(held)).toBe("late");
    expect(await key.complete(held)).toBe("late");
    expect(await key.state()).toBe(test.words("completed by mine"));
  });

  test("behaviour 58: a completion whose record the store lost is recorded as vanished, however often it is sent", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.take("mine");
    await subject.lose(key.digest);
    expect(await key.complete(held)).toBe("vanished");
    expect(await key.complete(held)).toBe("vanished");
    expect(told(await key.claim("other"))).toBe(test.words("duplicate of mine"));
  });

  test("a completion under a successor's claim is recorded as stolen, and so is the successor's own", async (subject) => {
    const key = new TestKey(subject);
    const late = await key.takeAndLapse("mine");
    const successor = await key.take("other");
    expect(await key.complete(late)).toBe("stolen");
    expect(await key.complete(late)).toBe("stolen");
    expect(await key.complete(successor)).toBe("stolen");
    expect(await key.release(successor, "failed")).toBe("lost");
    expect(await key.renew(successor)).toBe("lost");
    expect(await key.state()).toBe(test.words("completed by mine"));
  });

  test("a completion after the claim was released is recorded as late", async (subject) => {
    const key = new TestKey(subject);
    const held = await key.take("mine");
    await key.release(held, "unstarted");
    expect(await key.complete(held)).toBe("late");
    expect(await key.complete(held)).toBe("late");
  });

  test("a completion by token alone is recorded where the claim was never answered", async (subject) => {
    const key = new TestKey(subject);
    expect(await key.complete(key.request("mine"))).toBe("vanished");
    expect(told(await key.claim("other"))).toBe(test.words("duplicate of mine"));
  });
}
