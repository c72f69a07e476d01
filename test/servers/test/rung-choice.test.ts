import { describe, expect, it } from "vitest";
import { chooseRung, type Findings, forcedRung, LADDER } from "../rung-choice.js";

const yes = (reason: string) => ({ isUsable: true, reason });
const no = (reason: string) => ({ isUsable: false, reason });

describe("chooseRung", () => {
  it("looks at the environment before anything else", () => {
    expect(chooseRung({})).toEqual({ step: "look", rung: "url" });
  });

  it("takes the first usable rung without a look at the later ones", () => {
    expect(chooseRung({ url: yes("REDIS_URL is set") })).toEqual({
      step: "take",
      rung: "url",
      reason: "REDIS_URL is set",
    });
  });

  it.each(LADDER.map((rung, index) => [rung, LADDER.slice(0, index)] as const))(
    "looks at %s once the rungs before it turned out unusable",
    (rung, before) => {
      const findings = Object.fromEntries(before.map((name) => [name, no(name)]));
      expect(chooseRung(findings)).toEqual({ step: "look", rung });
    },
  );

  it("says why the rungs before it were passed over", () => {
    const findings: Findings = {
      url: no("REDIS_URL is not set"),
      compose: no("our compose project is not up"),
      container: no("no container engine"),
      path: yes("found /usr/bin/redis-server"),
    };
    expect(chooseRung(findings)).toEqual({
      step: "take",
      rung: "path",
      reason:
        "found /usr/bin/redis-server; REDIS_URL is not set; our compose project is not up; no container engine",
    });
  });

  it("gives up when no rung is usable", () => {
    const findings = Object.fromEntries(LADDER.map((rung) => [rung, no("not here")]));
    expect(chooseRung(findings)).toEqual({ step: "give up" });
  });

  it.each(LADDER)("considers nothing but a forced %s", (rung) => {
    const everywhere = Object.fromEntries(LADDER.map((name) => [name, yes(name)]));
    expect(chooseRung({}, rung)).toEqual({ step: "look", rung });
    expect(chooseRung(everywhere, rung)).toMatchObject({ step: "take", rung });
    expect(chooseRung({ ...everywhere, [rung]: no("broken") }, rung)).toEqual({ step: "give up" });
  });
});

describe("forcedRung", () => {
  it.each(LADDER)("reads ONLYONCE_SERVICES=%s", (rung) => {
    expect(forcedRung({ ONLYONCE_SERVICES: rung })).toBe(rung);
  });

  it.each([{}, { ONLYONCE_SERVICES: "" }])("forces nothing with %o", (env) => {
    expect(forcedRung(env)).toBeUndefined();
  });

  it.each(["docker", "PATH", "url,path"])("refuses ONLYONCE_SERVICES=%s", (value) => {
    expect(() => forcedRung({ ONLYONCE_SERVICES: value })).toThrow(
      new RangeError(
        `ONLYONCE_SERVICES must be one of url, compose, container, path, cache, not "${value}"`,
      ),
    );
  });
});
