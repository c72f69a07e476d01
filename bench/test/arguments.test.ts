import { describe, expect, it } from "vitest";
import { parseArguments } from "../src/arguments.js";

const parse = (...args: string[]) => parseArguments(args, ["kafka", "growth"]);

describe("the command line", () => {
  it("runs everything unless told what", () => {
    expect(parse()).toMatchObject({ benchmark: undefined, quick: false, rounds: 9 });
    expect(parse("growth")).toMatchObject({ benchmark: "growth" });
  });

  it("takes fewer rounds where it must be quick, unless told how many", () => {
    expect(parse("--quick")).toMatchObject({ benchmark: undefined, quick: true, rounds: 3 });
    expect(parse("kafka", "--rounds", "5", "--quick")).toMatchObject({ quick: true, rounds: 5 });
  });

  it("writes where it is told to", () => {
    expect(parse("--json", "a.json", "--svg", "a.svg")).toMatchObject({
      json: "a.json",
      svg: "a.svg",
    });
  });

  it.each([["nothing"], ["--rounds", "0"], ["--rounds"], ["--json"], ["--fast"]])(
    "refuses %s %s",
    (...args: string[]) => {
      expect(() => parse(...args)).toThrow();
    },
  );
});
