import { readdirSync, readFileSync, statSync } from 'node:fs';

/**
 * True for kernels whose return probes may end a process under a seccomp filter: from 6.11 on x86-64 a return probe is a system
 * call of its own (uretprobe, 335), which filters that list what is allowed do not know. 6.14 lets it pass unfiltered. Some
 * later stable releases of 6.12 and 6.13 took that over; which is not told by a number that distributions keep, so they are
 * all taken for dangerous: a duration that is not measured is better than a program that ends.
 */
export function filtersSeeReturnProbes(kernelRelease: string, arch: string): boolean {
  if (arch !== 'x64') return false;
  const [, major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(kernelRelease) ?? []).map(Number);
  return major === 6 && minor >= 11 && minor <= 13;
}

/** Mode of `Seccomp:` in /proc/PID/status (proc(5)): 0 none, 1 strict, 2 filter; 0 where the process is gone. */
export function seccompMode(pid: number): number {
  try {
    return Number(/^Seccomp:\s*(\d)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A process that runs the binary as its program under a seccomp filter; undefined when there is none. */
export function filteredProcessOf(binary: string): number | undefined {
  try {
    const wanted = statSync(binary);
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || seccompMode(pid) === 0) continue;
      const own = statSync(`/proc/${pid}/exe`, { throwIfNoEntry: false });
      if (own?.ino === wanted.ino && own.dev === wanted.dev) return pid;
    }
  } catch {
    // what cannot be looked at is not known to be filtered
  }
  return undefined;
}
