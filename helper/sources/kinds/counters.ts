import { execa } from 'execa';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { EventSource } from '../source.ts';
import { parseStat } from '../perf-stat/decode.ts';

/** The kernel's software events (perf_sw_ids of linux/perf_event.h) as perf names them. */
const SOFTWARE: Readonly<Record<string, string>> = {
  'alignment-faults': 'unaligned accesses that the kernel had to mend (never on x86)',
  'bpf-output': 'records written by BPF programs',
  'cgroup-switches': 'task switches between cgroups',
  'context-switches': 'task switches',
  'cpu-clock': 'time a CPU was watched',
  'cpu-migrations': 'tasks moved to another CPU',
  dummy: 'counts nothing; carries side-band records',
  'emulation-faults': 'instructions that the kernel emulated',
  'major-faults': 'page faults that needed I/O',
  'minor-faults': 'page faults without I/O',
  'page-faults': 'page faults of both kinds',
  'task-clock': 'CPU time used',
};

/** Generic hardware events (perf_hw_id) and the caches' that ratios are made of. */
const HARDWARE: Readonly<Record<string, string>> = {
  'branch-instructions': 'branches',
  'branch-misses': 'mispredicted branches',
  'bus-cycles': 'cycles of the bus',
  'cache-misses': 'misses of the last-level cache',
  'cache-references': 'accesses to the last-level cache',
  cycles: 'cycles of the CPU, at its present clock',
  instructions: 'instructions retired',
  'ref-cycles': 'cycles at the reference clock',
  'stalled-cycles-backend': 'cycles waiting for memory or units',
  'stalled-cycles-frontend': 'cycles waiting for instructions',
  'L1-dcache-loads': 'loads from the first-level data cache',
  'L1-dcache-load-misses': 'loads that missed it',
  'LLC-loads': 'loads from the last-level cache',
  'LLC-load-misses': 'loads that missed it',
  'dTLB-loads': 'address translations of loads',
  'dTLB-load-misses': 'translations that missed the TLB',
  'iTLB-load-misses': 'translations of instructions that missed the TLB',
};

const NO_PERF: Problem = {
  code: 'engine-missing',
  message: 'perf is not installed, and counters are read through perf stat.',
  remedy:
    'Debian: apt-get install linux-perf. Ubuntu: apt-get install linux-tools-$(uname -r). Fedora: dnf install perf.',
};

/** Which of `events` count here, found by counting them for the length of `true`. */
async function tryEvents(events: readonly string[]): Promise<Map<string, Problem | undefined>> {
  const result = await execa('perf', ['stat', '-j', '-e', events.join(','), '--', 'true'], { reject: false });
  if (result.code === 'ENOENT') return new Map(events.map((event) => [event, NO_PERF]));
  const readings = parseStat(result.stderr).flatMap((interval) => interval.counters);
  return new Map(
    events.map((event) => {
      const reading = readings.find((one) => one.event === event);
      if (reading !== undefined && reading.state !== 'not-supported') return [event, undefined];
      return [event, reading === undefined ? refusedAll(result.stderr) : notSupported(event)];
    }),
  );
}

function notSupported(event: string): Problem {
  return {
    code: 'probe-refused',
    message: `perf stat answers <not supported> for ${event}: this CPU or virtual machine does not count it.`,
    remedy:
      'Run on the hardware itself, or give the virtual machine a performance unit (QEMU: -cpu host,pmu=on).',
  };
}

function refusedAll(stderr: string): Problem {
  return {
    code: 'no-privileges',
    message: `perf stat refused: ${stderr.split('\n').find((line) => line.trim() !== '') ?? 'without a reason'}.`,
    remedy: 'Run as root, or lower kernel.perf_event_paranoid.',
  };
}

function counterSource(kind: 'software' | 'hardware', table: Readonly<Record<string, string>>): EventSource {
  return {
    kind,
    async list() {
      const names = Object.keys(table).sort();
      const tried = await tryEvents(names);
      const groups = new Map<string, { problem: Problem | undefined; names: string[] }>();
      for (const name of names) {
        const problem = tried.get(name);
        const key = problem?.code ?? '';
        const group = groups.get(key) ?? { problem, names: [] };
        group.names.push(name);
        groups.set(key, group);
      }
      return {
        kind,
        groups: [...groups.values()].map(({ problem, names: members }) => ({
          group: '',
          names: members,
          ...(problem === undefined ? {} : { refused: problem }),
        })),
      };
    },
    async describe(entry) {
      const summary = Object.hasOwn(table, entry.name) ? table[entry.name] : undefined;
      if (summary === undefined)
        throw new ProbeError({
          code: 'invalid-argument',
          message: `There is no ${kind} event ${entry.name}.`,
        });
      const refused = (await tryEvents([entry.name])).get(entry.name);
      return {
        ...entry,
        summary: `Counts ${summary}.`,
        fields: [],
        ...(refused === undefined ? {} : { refused }),
        notes: ['It is a counter: it is read at intervals through perf stat and has no fields.'],
      };
    },
    plan: (entry) => Promise.resolve({ engine: 'counter', event: entry.name }),
  };
}

export const softwareSource = (): EventSource => counterSource('software', SOFTWARE);
export const hardwareSource = (): EventSource => counterSource('hardware', HARDWARE);

const TIMERS: Readonly<Record<string, string>> = {
  'profile/hz/99': 'interrupts every CPU 99 times a second: for stacks of what runs',
  'profile/hz/997': 'interrupts every CPU 997 times a second: finer, ten times the cost',
  'interval/s/1': 'fires once a second on one CPU: for printing maps',
  'interval/ms/100': 'fires ten times a second on one CPU',
};

const NO_ROWS: Problem = {
  code: 'probe-refused',
  message: 'A timer carries no fields, so there are no rows to show.',
  remedy: 'Use it in a bpftrace script, or record a CPU profile for stacks.',
};

/** Timers of bpftrace. They are listed for what they are used for: scripts. */
export function timerSource(): EventSource {
  return {
    kind: 'timer',
    list: () => Promise.resolve({ kind: 'timer', groups: [{ group: '', names: Object.keys(TIMERS) }] }),
    describe(entry) {
      const summary = Object.hasOwn(TIMERS, entry.name) ? TIMERS[entry.name] : undefined;
      if (summary === undefined)
        throw new ProbeError({ code: 'invalid-argument', message: `There is no timer ${entry.name}.` });
      return Promise.resolve({
        ...entry,
        summary: `Timer: ${summary}.`,
        fields: [],
        refused: NO_ROWS,
        notes: [`bpftrace: ${entry.name.replaceAll('/', ':')} { @[kstack] = count(); }`],
      });
    },
    plan() {
      throw new ProbeError(NO_ROWS);
    },
  };
}
