import { loadavg } from 'node:os';

/** Milliseconds at a share of the sorted times, rounded up to 0.01: no time is shown shorter than it was. */
export function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.ceil((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
}

export interface Times {
  /** Milliseconds of each run, by the clock. */
  readonly wallMs: readonly number[];
  /**
   * What this thread computed for one run on average, in milliseconds: other programs do not count. Of a single run it
   * cannot be told, as Linux counts a thread's time in ticks of up to 4 ms.
   */
  readonly meanCpuMs: number;
}

/** Times each run. The first tenth warms the compiler up, as a server that has seen a few keys is. */
export function measure(runs: number, task: (run: number) => void): Times {
  for (let run = -Math.ceil(runs / 10); run < 0; run++) task(run);
  const wallMs: number[] = [];
  const before = process.threadCpuUsage();
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    task(run);
    wallMs.push(performance.now() - start);
  }
  const { user, system } = process.threadCpuUsage(before);
  return { wallMs, meanCpuMs: (user + system) / 1000 / runs };
}

/** Prints the middle and the 99th of a hundred, and how busy the machine was. */
export function line(what: string, { wallMs, meanCpuMs }: Times): void {
  const load = (loadavg()[0] ?? 0).toFixed(1);
  console.log(
    `${what.padEnd(82)} p50 ${quantile(wallMs, 0.5)} ms   p99 ${quantile(wallMs, 0.99)} ms   CPU ${meanCpuMs.toFixed(2)} ms each   (load ${load})`,
  );
}
