/**
 * Log-linear buckets: how durations are counted, in the kernel and everywhere after it.
 *
 * Values below {@link SUB_BUCKETS} have a bucket each. Above, each power of two is cut into {@link SUB_BUCKETS}
 * equal parts, so that a bucket is at most 1/32 = 3.125 % as wide as its lower bound and its middle is at most
 * 1.57 % from any value in it. The same scheme as HdrHistogram's; the index is exact on integers, so that histograms
 * of several targets are merged by adding counts.
 *
 * index(v) = v                        for v < 32
 *          = 32·shift + (v >> shift)  otherwise, with shift = floor(log2 v) − 5; (v >> shift) is in 32…63
 */
export const SUB_BUCKET_BITS = 5;
export const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;

/** One bucket's bounds: `lowNs <= value < highNs`. */
export interface BucketBounds {
  readonly lowNs: number;
  readonly highNs: number;
}

/** Bucket index of a non-negative integer below 2^53. */
export function bucketIndex(value: number): number {
  if (value < SUB_BUCKETS) return Math.max(0, Math.floor(value));
  let exponent = Math.floor(Math.log2(value));
  // log2 rounds up just below a power of two from 2^48 on
  if (2 ** exponent > value) exponent--;
  const shift = exponent - SUB_BUCKET_BITS;
  return (shift << SUB_BUCKET_BITS) + Math.floor(value / 2 ** shift);
}

/** Bounds of bucket `index`; the inverse of {@link bucketIndex}. */
export function bucketBounds(index: number): BucketBounds {
  if (index < 2 * SUB_BUCKETS) return { lowNs: index, highNs: index + 1 };
  const shift = (index >> SUB_BUCKET_BITS) - 1;
  const low = (index - (shift << SUB_BUCKET_BITS)) * 2 ** shift;
  return { lowNs: low, highNs: low + 2 ** shift };
}

/** A histogram as it travels: `[index, count]` pairs in ascending order of index, counts above zero. */
export type BucketCounts = readonly (readonly [index: number, count: number])[];

/**
 * The value below which `fraction` (0…1) of the counts lie, or `undefined` for an empty histogram.
 * Interpolates linearly inside the bucket; the error is bounded by the bucket's width (3.125 %).
 */
export function percentile(buckets: BucketCounts, fraction: number): number | undefined {
  let total = 0;
  for (const [, count] of buckets) total += count;
  if (total === 0) return undefined;
  const rank = Math.min(1, Math.max(0, fraction)) * total;
  let seen = 0;
  for (const [index, count] of buckets) {
    if (seen + count >= rank) {
      const { lowNs, highNs } = bucketBounds(index);
      return lowNs + (highNs - lowNs) * ((rank - seen) / count);
    }
    seen += count;
  }
  return undefined;
}

/** Adds histograms; the result is in ascending order of index. */
export function mergeBuckets(...histograms: readonly BucketCounts[]): BucketCounts {
  const sums = new Map<number, number>();
  for (const histogram of histograms)
    for (const [index, count] of histogram) sums.set(index, (sums.get(index) ?? 0) + count);
  return [...sums].sort((a, b) => a[0] - b[0]);
}
