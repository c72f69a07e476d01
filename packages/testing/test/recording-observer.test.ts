import { describe, expect, it } from "vitest";
import { RecordingObserver } from "../src/index.js";

describe("RecordingObserver", () => {
  it("keeps what it was told, counts it and forgets it on request", () => {
    const observer = new RecordingObserver();
    const delivery = { topic: "payments" };
    observer.outcome({ delivery, outcome: "processed" });
    observer.outcome({ delivery, outcome: "processed", detail: "late" });
    observer.outcome({ delivery, outcome: "duplicate" });
    observer.incident({ kind: "lease_lost", delivery });
    observer.finding({ code: "memory_only", severity: "info", message: "m" });
    expect(observer.names()).toEqual(["processed", "processed:late", "duplicate"]);
    expect(observer.count("processed")).toBe(2);
    expect(observer.count("processed", "late")).toBe(1);
    expect(observer.count("failed")).toBe(0);
    expect(observer.incidents).toEqual([{ kind: "lease_lost", delivery }]);
    expect(observer.findings.map((finding) => finding.code)).toEqual(["memory_only"]);
    observer.clear();
    expect([observer.names(), observer.incidents, observer.findings]).toEqual([[], [], []]);
  });
});
