const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** Base 85 with the characters from "!" to "u": four bytes become five characters. */
const FIRST = 33;
const GROUPS = 6;
/** Flags above cannot be told in one character; only the lowest two have a meaning so far. */
const MOST_FLAGS = 63;
const FIRST_FLAG = 48;

/**
 * A W3C traceparent as 31 characters instead of 55: trace id and span id in base 85, then the flags. Undefined for what
 * does not fit, such as another version of the header.
 */
export function packTraceparent(traceparent: string): string | undefined {
  const parts = TRACEPARENT.exec(traceparent);
  if (parts === null) return undefined;
  const [, traceId = "", spanId = "", flagsHex = ""] = parts;
  const flags = Number.parseInt(flagsHex, 16);
  if (flags > MOST_FLAGS) return undefined;
  const ids = traceId + spanId;
  let packed = "";
  for (let group = 0; group < GROUPS; group += 1) {
    const value = Number.parseInt(ids.slice(group * 8, group * 8 + 8), 16);
    packed += String.fromCharCode(
      FIRST + Math.floor(value / 52_200_625),
      FIRST + (Math.floor(value / 614_125) % 85),
      FIRST + (Math.floor(value / 7225) % 85),
      FIRST + (Math.floor(value / 85) % 85),
      FIRST + (value % 85),
    );
  }
  return packed + String.fromCharCode(FIRST_FLAG + flags);
}

/** The reverse of `packTraceparent`. */
export function unpackTraceparent(packed: string): string {
  let ids = "";
  for (let group = 0; group < GROUPS; group += 1) {
    let value = 0;
    for (let place = 0; place < 5; place += 1) {
      value = value * 85 + packed.charCodeAt(group * 5 + place) - FIRST;
    }
    ids += hex(value, 8);
  }
  const flags = hex(packed.charCodeAt(GROUPS * 5) - FIRST_FLAG, 2);
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-${flags}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
