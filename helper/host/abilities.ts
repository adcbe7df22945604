import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abilities, type Ability, type Finding } from '../../protocol/target.ts';
import { USDT_NAME, USDT_PROVIDER } from '../kernel/calibration/elf-file.ts';
import { calibrationProgram, symbolOf } from '../kernel/calibration/program.ts';
import { atLeast } from '../engines/bpftrace/version.ts';

/** A bpftrace that can be run: its words, sudo's among them, and its version. */
export interface RunnableBpftrace {
  readonly words: readonly string[];
  readonly version: string;
  /** What to do where it attaches no uprobes although the kernel has them. */
  readonly uprobeRemedy?: string;
}

/** A guest under emulation needed 3 s to start bpftrace. */
const TRY_TIMEOUT_MS = 20_000;

/**
 * Finds out what bpftrace attaches on this host by attaching it, each for 10 ms: `bpftrace --info` says yes to kprobes on
 * kernels without them. Two at a time, about 0.3 s each.
 */
export async function tryAbilities<A extends Ability>(
  bpftrace: RunnableBpftrace,
  which: readonly A[],
): Promise<Record<A, Finding>> {
  const folder = await mkdtemp(join(tmpdir(), 'probescope-doctor-'));
  try {
    const binary = join(folder, 'program');
    const program = calibrationProgram(process.arch);
    if (program !== undefined) await writeFile(binary, program, { mode: 0o755 });
    // bpftrace run by sudo must be able to read it
    await chmod(folder, 0o755);
    const findings = new Map<A, Finding>();
    const waiting = [...which];
    const worker = async () => {
      for (let ability = waiting.shift(); ability !== undefined; ability = waiting.shift())
        findings.set(ability, await tryOne(bpftrace, ability, program === undefined ? undefined : binary));
    };
    await Promise.all([worker(), worker()]);
    return Object.fromEntries(which.map((ability) => [ability, findings.get(ability)])) as Record<A, Finding>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same answer for everything, where there is no bpftrace to try it with. */
export function noAbilities(detail: string, remedy: string | undefined): Record<Ability, Finding> {
  const finding: Finding = { works: false, detail, ...(remedy === undefined ? {} : { remedy }) };
  return Object.fromEntries(abilities.map((ability) => [ability, finding])) as Record<Ability, Finding>;
}

/** What is attached to find out, and what a user can do where it does not attach. */
function attempt(ability: Ability, version: string, binary: string): { point: string; remedy: string } {
  const rebuilt = 'Ask for a kernel with this option; what Probescope traces in programs needs uprobes.';
  switch (ability) {
    case 'uprobe':
      return {
        point: `uprobe:${binary}:${symbolOf('nop')}`,
        remedy: `CONFIG_UPROBES and CONFIG_BPF_EVENTS are needed. ${rebuilt}`,
      };
    case 'uretprobe':
      return {
        point: `uretprobe:${binary}:${symbolOf('nop')}`,
        remedy: 'Without return probes counts and arguments work, latencies do not.',
      };
    case 'usdt':
      return {
        point: `usdt:${binary}:${USDT_PROVIDER}:${USDT_NAME}`,
        remedy: 'Use a bpftrace that was built with USDT support (libbcc).',
      };
    case 'tracepoint':
      return {
        point: 'tracepoint:sched:sched_switch',
        remedy: 'tracefs must be mounted and CONFIG_FTRACE be set.',
      };
    case 'profile':
      return {
        point: 'profile:hz:49',
        remedy: 'Sampling needs perf_event_open; a container may forbid it by seccomp.',
      };
    case 'software':
      return {
        point: 'software:faults:1000',
        remedy: 'Software events need perf_event_open; a container may forbid it by seccomp.',
      };
    case 'kprobe':
      return {
        point: 'kprobe:vfs_read',
        remedy: 'This kernel was built without kprobes, or lockdown forbids them: use tracepoints or fentry.',
      };
    case 'fentry':
      return {
        point: atLeast(version, '0.20') ? 'fentry:vfs_read' : 'kfunc:vfs_read',
        remedy:
          'fentry needs BTF, ftrace direct calls (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS) and no lockdown: use tracepoints or kprobes.',
      };
  }
}

async function tryOne(
  bpftrace: RunnableBpftrace,
  ability: Ability,
  binary: string | undefined,
): Promise<Finding> {
  if (binary === undefined && ['uprobe', 'uretprobe', 'usdt'].includes(ability))
    return { works: false, detail: `There is no program to try it with for the processor ${process.arch}.` };
  const { point, remedy } = attempt(ability, bpftrace.version, binary ?? '');
  const shown = binary === undefined ? point : point.replace(binary, 'a test program');
  const script = `${point} { @ = count(); } interval:ms:10 { printf("attached\\n"); clear(@); exit(); }`;
  const { output, errors } = await run(bpftrace.words, script);
  if (output.includes('attached\\n')) return { works: true, detail: `Attached to ${shown}.` };
  const ownRemedy = ability === 'uprobe' || ability === 'uretprobe' ? bpftrace.uprobeRemedy : undefined;
  return {
    works: false,
    detail: `Could not attach to ${shown}: ${reasonOf(errors)}.`,
    remedy: ownRemedy ?? remedy,
  };
}

/** What bpftrace complained of last; the word ERROR alone is no verdict (0.17 prints one about RLIMIT_MEMLOCK and works). */
function reasonOf(errors: string): string {
  const lines = errors.split('\n').filter((line) => line.trim() !== '' && !line.includes('RLIMIT_MEMLOCK'));
  const complaint = lines.filter((line) => /\b(?:ERROR|FATAL): /.test(line)).at(-1) ?? lines.at(-1);
  const text = complaint?.replace(/^.*?\b(?:ERROR|FATAL): /, '').trim() ?? '';
  return text === '' ? 'bpftrace gave no reason' : text.replace(/\.$/, '');
}

/** `-f json -` with the script on standard input: the one form that the wrapper allows too. */
function run(words: readonly string[], script: string): Promise<{ output: string; errors: string }> {
  const [file = 'bpftrace', ...rest] = words;
  return new Promise((resolve) => {
    const options = { timeout: TRY_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    const child = execFile(file, [...rest, '-f', 'json', '-'], options, (error, output, errors) =>
      resolve({ output, errors: errors || (error?.message ?? '') }),
    );
    // an engine that ends at once does not read it
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(script);
  });
}
