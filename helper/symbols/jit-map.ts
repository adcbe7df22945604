import { readFileSync, statSync } from 'node:fs';

/** A map file is read again when it has changed, but not more often than this: JITs append to it all the time. */
const REREAD_MS = 500;
/** A file larger than this is not read: some 10 million functions. */
const LARGEST_BYTES = 512 << 20;

/** Functions that a JIT wrote to `perf-PID.map`: lines `START SIZE NAME`, in hexadecimal. Later lines replace earlier ones. */
export class JitMap {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #names: readonly string[];

  constructor(text: string) {
    const entries: { start: number; end: number; name: string }[] = [];
    for (const match of text.matchAll(/^(?:0x)?([0-9a-f]{1,16}) (?:0x)?([0-9a-f]{1,12}) (.+)$/gim)) {
      const start = Number.parseInt(match[1]!, 16);
      const size = Number.parseInt(match[2]!, 16);
      if (Number.isSafeInteger(start + size) && size > 0)
        entries.push({ start, end: start + size, name: match[3]!.trimEnd() });
    }
    // Stable: of two functions at one address the one compiled later is last, and is found.
    entries.sort((a, b) => a.start - b.start);
    this.#starts = Float64Array.from(entries, ({ start }) => start);
    this.#ends = Float64Array.from(entries, ({ end }) => end);
    this.#names = entries.map(({ name }) => name);
  }

  find(address: number): string | undefined {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.#ends[low - 1]! ? this.#names[low - 1] : undefined;
  }
}

/** The map files of processes: in the process's own `/tmp`, under the number it has in its own pid namespace. */
export class JitMaps {
  readonly #known = new Map<number, { map: JitMap | undefined; modifiedMs: number; checkedMs: number }>();

  find(pid: number, address: number): string | undefined {
    const nowMs = Date.now();
    let known = this.#known.get(pid);
    if (known === undefined || nowMs - known.checkedMs >= REREAD_MS) {
      known = { ...this.#read(pid, known), checkedMs: nowMs };
      this.#known.set(pid, known);
    }
    return known.map?.find(address);
  }

  #read(
    pid: number,
    known: { map: JitMap | undefined; modifiedMs: number } | undefined,
  ): { map: JitMap | undefined; modifiedMs: number } {
    for (const path of [`/proc/${pid}/root/tmp/perf-${innermostPid(pid)}.map`, `/tmp/perf-${pid}.map`])
      try {
        const { mtimeMs, size } = statSync(path);
        if (known !== undefined && known.modifiedMs === mtimeMs) return known;
        if (size <= LARGEST_BYTES)
          return { map: new JitMap(readFileSync(path, 'utf8')), modifiedMs: mtimeMs };
      } catch {
        // Not there: most processes have none.
      }
    // The process may have ended and taken its file along: what was read stays good.
    return known ?? { map: undefined, modifiedMs: 0 };
  }
}

/** `NSpid:` of /proc/PID/status lists the process's numbers, its own namespace's last. */
function innermostPid(pid: number): number {
  try {
    const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(line?.trim().split(/\s+/).pop() ?? pid);
  } catch {
    return pid;
  }
}
