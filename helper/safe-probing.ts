import { statSync } from 'node:fs';
import { filteredProcessOf, filtersSeeReturnProbes, seccompMode } from './host/seccomp.ts';
import { ElfFile } from './symbols/elf.ts';
import { isGoCode } from './symbols/go-version.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { ProbeSpec } from '../protocol/probe.ts';
import type { ProbeNote } from '../protocol/snapshot.ts';

/** What decides on this host how a probe may be attached. */
export interface SafetyHost {
  readonly kernelRelease: string;
  readonly arch: string;
  /** Programs that trace: a probe in them would trace the tracing. */
  readonly enginePrograms: readonly string[];
  /** This helper and what it started. */
  readonly isOwnProcess: (pid: number) => boolean;
}

/**
 * Probes as they may be attached: without return probes where those would end the program, each with a note that says so.
 * Throws `probe-refused` for the engine's own program.
 */
export function safely(
  probes: readonly ProbeSpec[],
  host: SafetyHost,
): { readonly probes: readonly ProbeSpec[]; readonly notes: readonly ProbeNote[] } {
  const notes: ProbeNote[] = [];
  const safe = probes.map((probe) => {
    refuseOwn(probe, host);
    refuseReturnsOfGo(probe);
    // Without return probes in the program there is no system call of theirs.
    if (probe.subject.kind === 'kernel-function') return probe;
    if (probe.subject.kind === 'function' && probe.subject.bounds !== undefined) return probe;
    if (!probe.measures.includes('latency') || !filtersSeeReturnProbes(host.kernelRelease, host.arch))
      return probe;
    const filtered =
      probe.pid === undefined
        ? filteredProcessOf(probe.binary)
        : seccompMode(probe.pid) === 0
          ? undefined
          : probe.pid;
    if (filtered === undefined) return probe;
    notes.push({
      probe: probe.id,
      message: `Process ${filtered} runs under a seccomp filter, which kernel ${host.kernelRelease} would let end it at a return probe: calls are counted, their durations are not measured.`,
    });
    const measures = [
      ...new Set(probe.measures.map((measure) => (measure === 'latency' ? 'count' : measure))),
    ];
    return { ...probe, measures };
  });
  return { probes: safe, notes };
}

/** A function that was looked up by an earlier Probescope does not say where its calls end; a return probe would end the program. */
function refuseReturnsOfGo({ subject, measures, binary }: ProbeSpec): void {
  if (subject.kind !== 'function' || subject.bounds !== undefined || !measures.includes('latency')) return;
  // A file that is gone is told of where all files are looked at.
  if (statSync(binary, { throwIfNoEntry: false }) === undefined) return;
  const elf = ElfFile.open(binary);
  try {
    if (!subject.sites.some(({ vaddr }) => isGoCode(elf, vaddr))) return;
  } finally {
    elf.close();
  }
  throw new ProbeError({
    code: 'probe-refused',
    message: `${subject.function} in ${binary} is compiled by Go, whose stacks move: a return probe would corrupt them.`,
    remedy: 'Remove the probe and add it again: its return instructions are then probed instead.',
  });
}

function refuseOwn({ binary, pid }: ProbeSpec, host: SafetyHost): void {
  const isEngine = host.enginePrograms.some((program) => sameFile(program, binary));
  if (pid === undefined ? !isEngine : !host.isOwnProcess(pid)) return;
  throw new ProbeError({
    code: 'probe-refused',
    message:
      pid === undefined
        ? `${binary} is what traces here: a probe in it would trace the tracing.`
        : `Process ${pid} is Probescope's own.`,
    remedy: 'Name the one process that you mean, and it is traced alone.',
  });
}

function sameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}
