/**
 * What stands for a key where only a number is kept. Two keys are mixed up where group, bucket and number are the same:
 * for keys that are digests, once in 2^64 pairs of one bucket.
 */
export interface KeyNumber {
  /** Any 64-bit signed integer, in decimal digits. */
  readonly number: string;
  /** 0 to 2^30 - 1; has nothing to do with the number. */
  readonly spread: number;
}

/** The bucket of a key among so many, at most 2^20. */
export function bucketOf({ spread }: KeyNumber, buckets: number): number {
  return Math.floor((spread * buckets) / SPREAD);
}

const SPREAD = 2 ** 30;
/** The value of each base64url character, by its code. */
const VALUES = new Uint8Array(128);
for (const [value, letter] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
].entries()) {
  VALUES[letter.charCodeAt(0)] = value;
}

const words = new DataView(new ArrayBuffer(8));

/**
 * Takes the 21 characters behind the first one, which is the slot group, as they begin at `from` in `text`. Each of them
 * counts in the number, so that two keys that differ in one character differ in it too.
 */
export function keyNumber(text: string, from: number): KeyNumber {
  const spread = bits(text, from + 10);
  const last = valueAt(text, from + 20) << 26;
  words.setInt32(0, (bits(text, from) << 2) ^ spread ^ last);
  words.setInt32(4, (bits(text, from + 5) << 2) ^ bits(text, from + 15));
  return { number: words.getBigInt64(0).toString(), spread };
}

/** Five characters: 30 bits. */
function bits(text: string, from: number): number {
  let value = 0;
  for (let place = from; place < from + 5; place += 1) value = (value << 6) | valueAt(text, place);
  return value;
}

function valueAt(text: string, place: number): number {
  return VALUES[text.charCodeAt(place)] ?? 0;
}
