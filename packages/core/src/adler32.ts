const MODULUS = 65_521;
/** The most bytes after which the sums still fit 32 bits without a remainder (RFC 1950). */
const BLOCK_BYTES = 5552;

/** The Adler-32 checksum of RFC 1950, as an unsigned number. */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, bytes.length);
    for (let index = start; index < end; index += 1) {
      a += bytes[index] ?? 0;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return b * 65_536 + a;
}
