/** How a Bloom filter must be made for a false-positive rate. */
export interface BloomShape {
  readonly bitsPerKey: number;
  readonly hashes: number;
  /** With this whole number of hashes, once it holds as many keys as it was made for. */
  readonly errorRate: number;
}

/** The rate is between 0 and 1: -ln(rate) / ln(2)^2 bits a key, of which each hash has its share of ln(2). */
export function bloomShape(errorRate: number): BloomShape {
  const bitsPerKey = -Math.log(errorRate) / Math.LN2 ** 2;
  const hashes = Math.max(1, Math.round(bitsPerKey * Math.LN2));
  return { bitsPerKey, hashes, errorRate: bloomErrorRate(bitsPerKey, hashes) };
}

/** The chance that all bits of a key that was never added are set: (1 - e^(-hashes / bits a key))^hashes. */
export function bloomErrorRate(bitsPerKey: number, hashes: number): number {
  return (1 - Math.exp(-hashes / bitsPerKey)) ** hashes;
}

/** How many keys share a bucket of a cuckoo filter. */
export type CuckooBucketSize = 1 | 2 | 4 | 8;

/** How full a cuckoo filter can be made, by its bucket size: measured by its inventors (Fan et al., 2014). */
const CUCKOO_LOAD: Readonly<Record<CuckooBucketSize, number>> = {
  1: 0.5,
  2: 0.84,
  4: 0.95,
  8: 0.98,
};

/** How a cuckoo filter must be made. */
export interface CuckooShape {
  readonly fingerprintBits: number;
  /** The share of its places that are taken when it is full. */
  readonly load: number;
  readonly bitsPerKey: number;
  /** The chance that a key that was never added finds its fingerprint in one of its two buckets, when the filter is full. */
  readonly errorRate: number;
}

/** Fingerprint bits by the load: the bits of a key. A look-up compares with the fingerprints in two buckets. */
export function cuckooShape(fingerprintBits: number, bucketSize: CuckooBucketSize): CuckooShape {
  const load = CUCKOO_LOAD[bucketSize];
  const compared = 2 * bucketSize * load;
  return {
    fingerprintBits,
    load,
    bitsPerKey: fingerprintBits / load,
    errorRate: -Math.expm1(compared * Math.log1p(-(2 ** -fingerprintBits))),
  };
}

/** The fewest fingerprint bits for a rate, with both buckets full: log2(1 / rate) + log2(2 × bucket size), rounded up. */
export function cuckooFingerprintBits(errorRate: number, bucketSize: CuckooBucketSize): number {
  return Math.ceil(Math.log2(1 / errorRate) + Math.log2(2 * bucketSize));
}
