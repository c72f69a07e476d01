import { expect, it } from "vitest";
import { parseArguments } from "../src/arguments.js";

it("without flags the demo runs on real brokers, protected, with the default seed", () => {
  expect(parseArguments([])).toEqual({
    status: "run",
    options: { isOff: false, isJson: false, isEmbedded: false, isTraced: false, seed: 1 },
  });
});

it("all flags go together", () => {
  expect(parseArguments(["--off", "--json", "--embedded", "--seed", "4294967295"])).toEqual({
    status: "run",
    options: { isOff: true, isJson: true, isEmbedded: true, isTraced: false, seed: 4_294_967_295 },
  });
});

it("--trace draws with OpenTelemetry, which takes real processes", () => {
  expect(parseArguments(["--trace"])).toMatchObject({ options: { isTraced: true } });
  expect(parseArguments(["--trace", "--embedded"])).toEqual({
    status: "refused",
    message: expect.stringContaining("--trace"),
  });
});

it.each([
  [["--nope"], "--nope"],
  [["more"], "more"],
  [["--seed"], "--seed"],
  [["--off=yes"], "--off"],
  [["--seed", "x"], '"x"'],
  [["--seed", "1.5"], '"1.5"'],
  [["--seed", ""], '""'],
  [["--seed=-1"], '"-1"'],
  [["--seed", "4294967296"], '"4294967296"'],
])("%j is refused, and the message quotes it", (argv, quoted) => {
  const parsed = parseArguments(argv);
  expect(parsed.status).toBe("refused");
  expect(parsed).toHaveProperty("message", expect.stringContaining(quoted));
});

it("--help asks for the usage", () => {
  expect(parseArguments(["--help"])).toEqual({ status: "help" });
});
