import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Callee, CallsStarted } from '../../protocol/calls.ts';
import { ProbeError } from '../../protocol/errors.ts';
import type { ProbeSpec, Site } from '../../protocol/probe.ts';
import { callsScript, MOST_TEXTS } from '../engines/bpftrace/calls-script.ts';
import { needsAlias, orderToken } from '../engines/bpftrace/quote.ts';
import { calleesOf } from '../symbols/callees.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import { entryValues, type EntryValues } from '../symbols/entry-values.ts';
import { UnwindingAnalysis } from '../symbols/unwinding.ts';

/** More callees would make the function slow to attach to and slow to run: the others are named, not traced. */
const MOST_CALLEES = 24;

export interface CallsPlan {
  readonly script: string;
  readonly off: string;
  /** Attach points. */
  readonly points: number;
  readonly values: EntryValues;
  /** Registers that a record holds, and those of them that are read as texts. */
  readonly registers: readonly number[];
  readonly texts: readonly number[];
  readonly started: CallsStarted;
  /** Takes away what was made for bpftrace; called when it has ended. */
  readonly dispose: () => void;
}

/** What to attach for the calls of one function, and how to read what comes. Throws `probe-refused` where it cannot be. */
export function planCalls(
  probe: ProbeSpec,
  debug: DebugInfo,
  host: { readonly version: string; readonly arch: string; readonly kernelTypes: boolean },
): CallsPlan {
  const { subject, binary, pid } = probe;
  if (subject.kind !== 'function')
    throw new ProbeError({
      code: 'invalid-argument',
      message:
        subject.kind === 'usdt'
          ? `${subject.provider}:${subject.name} is a point: it has no calls to record.`
          : `${subject.function} is a function of the kernel: single calls are recorded of programs' functions.`,
      remedy:
        subject.kind === 'usdt'
          ? 'Record the calls of the function around it.'
          : `Trace its events: probescope events kernel-function:${subject.module}:${subject.function}`,
    });
  if (subject.unwinding === 'throws')
    throw new ProbeError({
      code: 'probe-refused',
      message: `An exception can pass through ${subject.function}, and recording its returns would then end the program (std::terminate).`,
      remedy: 'Record the calls of a function that does not throw or that catches.',
    });
  if (subject.bounds !== undefined)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${subject.function} is compiled by Go, whose stacks move: return probes, by which single calls are recorded, would corrupt them.`,
      remedy: 'Measure its latency, which is taken at its return instructions, or log its lines.',
    });
  const named = subject.sites.filter(isNamed);
  const [first] = named;
  if (first === undefined)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${subject.function} in ${binary} has no code of its own that bpftrace can attach to by name.`,
      remedy: 'Record the calls of a function around it.',
    });
  const sites = named.map(({ symbol, vaddr }) => ({ symbol, sizeBytes: sizeAt(debug, vaddr), vaddr }));
  const ranges = sites.map(({ vaddr, sizeBytes }) => ({ low: vaddr, high: vaddr + sizeBytes }));
  const found = calleesOf(debug, ranges);
  const callees: Callee[] = [];
  const untraced: string[] = [...found.imported];
  const unwinding = new UnwindingAnalysis(debug.elf);
  const own = new Set(sites.map(({ symbol }) => symbol));
  for (const callee of found.callees)
    if (own.has(callee.symbol)) continue;
    else if (callees.length < MOST_CALLEES && !throws(debug, unwinding, callee)) callees.push(callee);
    else untraced.push(callee.function);
  // a clone's parameters are not those that the source names
  const values: EntryValues =
    first.kind === 'entry' ? entryValues(debug, first.vaddr, host.arch) : { parameters: [] };
  const registers = values.parameters.flatMap(({ register }) => register ?? []);
  const texts = values.parameters
    .flatMap(({ register, kind }) => (kind?.as === 'text' && register !== undefined ? [register] : []))
    .slice(0, MOST_TEXTS);
  const off = orderToken();
  const alias = needsAlias(binary) ? aliasOf(binary) : undefined;
  return {
    script: callsScript({
      version: host.version,
      path: alias?.path ?? binary,
      pid,
      sites,
      callees,
      registers,
      texts,
      returnAddressBytes: host.arch !== 'x64' ? 0 : debug.elf.header.is64 ? 8 : 4,
      kernelTypes: host.kernelTypes,
      off,
    }),
    off,
    points: 2 * (sites.length + callees.length),
    values,
    registers,
    texts,
    started: {
      parameters: values.parameters.map(({ name }) => name),
      callees,
      untraced,
      indirectCalls: found.indirectCalls,
    },
    dispose: () => {
      alias?.dispose();
    },
  };
}

function isNamed(site: Site): site is Site & { readonly symbol: string } {
  return site.symbol !== undefined && ['entry', 'clone', 'ifunc-target'].includes(site.kind);
}

/** Bytes of the function that begins at `vaddr`, by its symbol; 1 where none tells. */
function sizeAt(debug: DebugInfo, vaddr: number): number {
  for (const table of [debug.elf.symbols(), debug.elf.dynamicSymbols(), debug.dwarf?.elf.symbols()])
    for (const symbol of table ?? [])
      if (symbol.value === vaddr && symbol.sizeBytes > 0) return symbol.sizeBytes;
  return 1;
}

function throws(debug: DebugInfo, unwinding: UnwindingAnalysis, { symbol }: Callee): boolean {
  for (const table of [debug.elf.symbols(), debug.elf.dynamicSymbols()])
    for (const each of table ?? [])
      if (each.name === symbol)
        return unwinding.of([{ low: each.value, high: each.value + each.sizeBytes }]) === 'throws';
  return false;
}

/** A name for a path that bpftrace cannot be given. */
function aliasOf(binary: string): { path: string; dispose: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-'));
  const path = join(folder, 'binary');
  symlinkSync(binary, path);
  return {
    path,
    dispose: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
