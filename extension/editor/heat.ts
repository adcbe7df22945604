/** How much a probe's function weighs, on eight steps: the gutter mark's fill. */
export const HEAT_LEVELS = 8;
export type Heat = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/**
 * The step for a function, from the share of one CPU's time that passes inside it (rate × mean latency): 1 below 10 µs a
 * second, then one step for each factor of about 5.6 (two steps a factor of 32), 8 from a third of a second a second on.
 */
export function heatOfLatency(rateHz: number, meanNs: number): Heat {
  return step(rateHz * meanNs, 10_000);
}

/** The step for a function of which only calls are counted: 1 below one call a second, 8 from 30,000 a second on. */
export function heatOfRate(rateHz: number): Heat {
  return step(rateHz, 1);
}

const FACTOR = Math.sqrt(32);

function step(value: number, first: number): Heat {
  if (!(value >= first)) return 1;
  return Math.min(HEAT_LEVELS, 2 + Math.floor(Math.log(value / first) / Math.log(FACTOR))) as Heat;
}
