/**
 * A short check of an owner token, 18 bits: what a completed record keeps of it, so that a copy of its completion is
 * answered like the first one. FNV-1a, then mixed, because tokens of one process differ in their last characters only.
 */
export function tokenTag(token: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < token.length; i += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & 0x3ffff;
}

/** Three characters from "0" to "o", 64 values each. */
export function tagText(tag: number): string {
  return String.fromCharCode(48 + (tag >>> 12), 48 + ((tag >>> 6) & 63), 48 + (tag & 63));
}

/** A bare completed record but for its answer: below 10,000, because Redis shares such integers between all records. */
export function bareTagText(tag: number): string {
  return String((tag % 2500) * 4);
}
