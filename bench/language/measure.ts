import { loadavg } from 'node:os';

/** Milliseconds at a share of the sorted times, rounded up to 0.01: no time is shown shorter than it was. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.ceil((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
}

/** Wall-clock milliseconds of each run. The first tenth warms the compiler up, as a server that has seen a few keys is. */
export function measure(runs: number, task: (run: number) => void): number[] {
  const times: number[] = [];
  for (let run = -Math.ceil(runs / 10); run < runs; run++) {
    const start = performance.now();
    task(run);
    if (run >= 0) times.push(performance.now() - start);
  }
  return times;
}

/** Prints the middle and the 99th of a hundred, and how busy the machine was. */
export function line(what: string, times: readonly number[]): void {
  const load = (loadavg()[0] ?? 0).toFixed(1);
  console.log(
    `${what.padEnd(66)} p50 ${quantile(times, 0.5)} ms   p99 ${quantile(times, 0.99)} ms   (load ${load})`,
  );
}
