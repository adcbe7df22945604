import { readFileSync } from 'node:fs';

/**
 * Start time of a process in ticks since boot, field 22 of /proc/PID/stat (proc(5)): what tells it from a later one of the
 * same number. Undefined when it is gone or a zombie.
 */
export function startedNow(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
