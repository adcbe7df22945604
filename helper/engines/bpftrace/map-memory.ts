import { readdirSync, readFileSync } from 'node:fs';

/** Entry of a preallocated hash map in the kernel: links, hash, lock, padding (struct htab_elem, per-entry share of buckets). */
const ENTRY_BYTES = 80;
const KEY_BYTES = 16;
const VALUE_BYTES = 8;

/** How many maps of each kind a script has; see `snippets.ts`. */
export interface MapCounts {
  /** `count()`, `sum()`, `max()`: a value for each processor. */
  readonly perCpu: number;
  /** Plain values: open calls. */
  readonly plain: number;
}

/** Memory of a script's maps with so many keys each; they are allocated at the start, filled or not. */
export function estimatedMapBytes(maps: MapCounts, keys: number, cpus: number): number {
  const perCpu = ENTRY_BYTES + KEY_BYTES + VALUE_BYTES * cpus;
  const plain = ENTRY_BYTES + KEY_BYTES + 3 * VALUE_BYTES;
  return keys * (maps.perCpu * perCpu + maps.plain * plain);
}

/** Keys of a map so that all together stay below `budgetBytes`; at least `least`. */
export function keysWithin(budgetBytes: number, maps: MapCounts, cpus: number, least: number): number {
  return Math.max(least, Math.floor(budgetBytes / Math.max(1, estimatedMapBytes(maps, 1, cpus))));
}

/** BPF_MAP_TYPE_STACK_TRACE. bpftrace gives this table 131,072 stacks whatever it is told: 70 MB at 64 frames. */
const STACK_TABLE = 7;

/**
 * What the maps of an engine take in the kernel, in bytes, as the kernel counts it (`memlock` in /proc/PID/fdinfo of every
 * map that the engine holds open), without the table of stacks: its size is bpftrace's own choice and does not grow, so
 * that no budget could change it. Undefined where that may not be read: the engine runs as root, and we do not.
 */
export function mapBytesBelow(supervisorPid: number): number | undefined {
  const engine = engineBelow(supervisorPid);
  if (engine === undefined) return undefined;
  try {
    const folder = `/proc/${engine}/fdinfo`;
    let bytes: number | undefined;
    for (const entry of readdirSync(folder)) {
      const text = readFileSync(`${folder}/${entry}`, 'utf8');
      const type = /^map_type:\s*(\d+)$/m.exec(text)?.[1];
      if (type === undefined || Number(type) === STACK_TABLE) continue;
      bytes = (bytes ?? 0) + Number(/^memlock:\s*(\d+)$/m.exec(text)?.[1] ?? 0);
    }
    return bytes;
  } catch {
    return undefined;
  }
}

/** The process that holds the maps: bpftrace itself, below a shell and maybe sudo. */
function engineBelow(pid: number, depth = 0): number | undefined {
  if (depth > 4) return undefined;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    for (const child of children) {
      if (readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'bpftrace') return Number(child);
      const below = engineBelow(Number(child), depth + 1);
      if (below !== undefined) return below;
    }
  } catch {
    // ended meanwhile
  }
  return undefined;
}
