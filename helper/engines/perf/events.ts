/**
 * How many occurrences of an event stand for one sample: each one of what the kernel does, one in a million of what the processor
 * counts by the billion. Names as perf-list(1) has them.
 */
export function periodOf(event: string): number {
  return countsInHardware(event) ? HARDWARE_PERIOD : 1;
}

/** A prime, so that nothing periodic is met in step; 3,000 samples a second of the cycles of one processor. */
const HARDWARE_PERIOD = 1_000_003;

/** The kernel's own events; every other name without a colon is the processor's or a device's. Source: perf-list(1), "software event". */
const software: ReadonlySet<string> = new Set([
  ...['alignment-faults', 'bpf-output', 'cgroup-switches', 'context-switches', 'cs', 'cpu-migrations'],
  ...['dummy', 'emulation-faults', 'faults', 'major-faults', 'migrations', 'minor-faults', 'page-faults'],
]);

/** What may follow the colon of an event that is no tracepoint. */
const modifiers = /^[ukhGHpPSDWeI]+$/;

const countsInHardware = (event: string): boolean => {
  const { name, isTracepoint } = parts(event);
  return !isTracepoint && !software.has(name) && !isClock(event);
};

/** They tick with time: nothing occurs. */
export const isClock = (event: string): boolean => ['cpu-clock', 'task-clock'].includes(parts(event).name);

/** perf silently takes the clock in the place of this one where the processor does not count it. */
export const isCycles = (event: string): boolean => ['cycles', 'cpu-cycles'].includes(parts(event).name);

function parts(event: string): { name: string; isTracepoint: boolean } {
  const [name = '', after] = event.split(':');
  return { name, isTracepoint: after !== undefined && !modifiers.test(after) };
}
