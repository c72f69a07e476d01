import { describe, expect, it } from "vitest";
import { Progress } from "../src/progress.js";

function screen(options: { readonly isTTY?: boolean; readonly columns?: number }) {
  let text = "";
  return {
    ...options,
    write: (part: string) => {
      text += part;
    },
    get text() {
      return text;
    },
  };
}

describe("on a terminal", () => {
  it("one line is updated in place, and what is said goes above it", () => {
    const terminal = screen({ isTTY: true, columns: 80 });
    const progress = new Progress(terminal);
    progress.update("1 of 9");
    progress.say("something happened");
    progress.end();
    const clear = "\r\u001b[2K";
    expect(terminal.text).toBe(`${clear}1 of 9${clear}something happened\n1 of 9${clear}`);
  });

  it("the line is never longer than the terminal is wide", () => {
    const terminal = screen({ isTTY: true, columns: 10 });
    new Progress(terminal).update("0123456789abcdef");
    expect(terminal.text.endsWith("012345678")).toBe(true);
  });
});

describe("elsewhere", () => {
  it("a plain line is printed every two seconds at most, and only if it is news", () => {
    const file = screen({});
    let nowMs = 0;
    const progress = new Progress(file, () => nowMs);
    progress.update("1 of 9");
    nowMs = 1_999;
    progress.update("2 of 9");
    nowMs = 2_000;
    progress.update("3 of 9");
    nowMs = 9_000;
    progress.update("3 of 9");
    progress.say("something happened");
    progress.end();
    expect(file.text).toBe("1 of 9\n3 of 9\nsomething happened\n");
  });
});
