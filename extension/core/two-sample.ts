import type { BucketCounts } from '../../protocol/buckets.ts';
import type { TwoSampleTest } from '../../protocol/latency.ts';

/**
 * The Mann–Whitney U test of two histograms on the same buckets, two-sided: calls in one bucket are ties. Normal approximation
 * with tie and continuity correction (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd edition, section 4.1), the
 * same as SciPy's `mannwhitneyu(…, method='asymptotic')`. Undefined where either is empty or all calls lie in one bucket.
 */
export function mannWhitney(before: BucketCounts, after: BucketCounts): TwoSampleTest | undefined {
  const old = new Map(before);
  const now = new Map(after);
  const indexes = [...new Set([...old.keys(), ...now.keys()])].sort((a, b) => a - b);
  const sum = (histogram: BucketCounts): number => histogram.reduce((total, [, count]) => total + count, 0);
  const m = sum(before);
  const n = sum(after);
  if (m === 0 || n === 0) return undefined;
  let seen = 0;
  let u = 0;
  let ties = 0;
  for (const index of indexes) {
    const a = old.get(index) ?? 0;
    const b = now.get(index) ?? 0;
    // a call of now is slower than all of the baseline's before it, and half slower than those beside it
    u += b * (seen + a / 2);
    seen += a;
    ties += (a + b) ** 3 - (a + b);
  }
  const total = m + n;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (!(variance > 0)) return undefined;
  const distance = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5);
  return {
    name: 'Mann–Whitney U',
    pValue: Math.min(1, complementaryError(distance / Math.sqrt(2 * variance))),
    slower: u / (m * n),
  };
}

/**
 * erfc(x) for x >= 0, relative error below 1.2e-7 everywhere (Press et al., Numerical Recipes, section 6.2.2: Chebyshev fit).
 * Twice the normal distribution's tail beyond z is erfc(z / √2).
 */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2);
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const polynomial = terms.reduceRight((value, term) => value * t + term, 0);
  return t * Math.exp(-x * x + polynomial);
}
