import type { CallBounds, RefusedSite, Site } from '../../protocol/probe.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { costClassAt } from './cost-class.ts';
import type { DebugInfo } from './debug-info.ts';
import type { AddressRange } from './dwarf/lists.ts';
import type { ElfFile } from './elf.ts';
import { exitsOf, instructionsOf, type Exit } from './exits.ts';
import { goVersion } from './go-version.ts';
import { prefixRefusal } from './instructions/probeable.ts';

/** A body whose calls are to be bounded. */
export interface BoundedBody {
  readonly entry: number;
  readonly ranges: readonly AddressRange[];
}

/** Instructions among which the stack's check is looked for: a function with a huge frame has three before its first jump. */
const CHECK_INSTRUCTIONS = 6;
/** Instructions of the block that lets the stack grow: it saves and restores the arguments' registers, at most 24 of them. */
const GROWTH_INSTRUCTIONS = 64;

/**
 * Where calls of a Go function begin, begin again and end. A Go function compares the stack pointer with its goroutine's
 * bound first and, where the stack must grow, calls the runtime and jumps back to its entry (cmd/internal/obj: stacksplit), so the entry
 * runs more than once in a call. Its stack is copied elsewhere then, return addresses included, which is why the kernel's return
 * probes corrupt it.
 */
export function callBounds(
  debug: DebugInfo,
  bodies: readonly BoundedBody[],
  declared: SourcePlace | undefined,
): CallBounds {
  const entries: Site[] = [];
  const restarts: Site[] = [];
  const exits: Site[] = [];
  const refused: RefusedSite[] = [];
  const place = declared === undefined ? {} : { place: declared };
  const { elf } = debug;
  for (const { entry, ranges } of bodies) {
    const check = stackCheckOf(elf, entry, ranges);
    addSite(elf, 'entry', check ?? entry, place, entries, refused);
    for (const address of jumpsTo(elf, entry, ranges))
      addSite(elf, 'entry', address, placeAt(debug, address), restarts, refused);
    for (const exit of exitsOf(elf, ranges)) addExit(elf, exit, placeAt(debug, exit.address), exits, refused);
  }
  const refusal = refusalOf(debug, bodies, exits);
  return { entries, restarts, exits, refused, ...(refusal === undefined ? {} : { refusal }) };
}

function addExit(
  elf: ElfFile,
  exit: Exit,
  place: Pick<Site, 'place'>,
  exits: Site[],
  refused: RefusedSite[],
): void {
  const at = `0x${exit.address.toString(16)}`;
  if (exit.kind === 'unknown')
    refused.push({
      kind: 'tail-call-exit',
      ...place,
      reason: `The indirect jump at ${at} may leave the function or stay in it: calls that it ends are not measured.`,
    });
  else if (exit.conditional === true)
    refused.push({
      kind: 'tail-call-exit',
      ...place,
      reason: `The conditional jump at ${at} leaves the function only sometimes: calls that it ends are not measured.`,
    });
  else
    addSite(elf, exit.kind === 'return' ? 'return' : 'tail-call-exit', exit.address, place, exits, refused);
}

function addSite(
  elf: ElfFile,
  kind: Site['kind'],
  vaddr: number,
  place: Pick<Site, 'place'>,
  sites: Site[],
  refused: RefusedSite[],
): void {
  const fileOffsetBytes = elf.fileOffsetOf(vaddr);
  const unprobeable = prefixRefusal(elf, vaddr);
  if (fileOffsetBytes === undefined)
    refused.push({ kind, ...place, reason: 'Its code is not in this file.' });
  else if (unprobeable !== undefined)
    refused.push({ kind, ...place, reason: `At 0x${vaddr.toString(16)} stands ${unprobeable}` });
  else sites.push({ kind, vaddr, fileOffsetBytes, cost: costClassAt(elf, vaddr), ...place });
}

/** The first conditional jump of the function, when it leads to a block that calls the runtime and jumps back to the entry. */
function stackCheckOf(elf: ElfFile, entry: number, ranges: readonly AddressRange[]): number | undefined {
  const body = ranges.find(({ low, high }) => entry >= low && entry < high);
  if (body === undefined) return undefined;
  let looked = 0;
  for (const { address, instruction } of instructionsOf(elf, [{ low: entry, high: body.high }])) {
    if (instruction.class === 'conditional-jump')
      return leadsBack(elf, instruction.target, entry, body.high) ? address : undefined;
    const goesOn = ['move', 'other', 'nop', 'landing-pad'].includes(instruction.class);
    if (!goesOn || ++looked >= CHECK_INSTRUCTIONS) return undefined;
  }
  return undefined;
}

function leadsBack(elf: ElfFile, from: number | undefined, entry: number, high: number): boolean {
  if (from === undefined || from <= entry || from >= high) return false;
  let calls = 0;
  let looked = 0;
  for (const { instruction } of instructionsOf(elf, [{ low: from, high }])) {
    if (instruction.class === 'jump') return calls > 0 && instruction.target === entry;
    if (instruction.class === 'call') calls++;
    if (instruction.class === 'return' || ++looked >= GROWTH_INSTRUCTIONS) return false;
  }
  return false;
}

function jumpsTo(elf: ElfFile, entry: number, ranges: readonly AddressRange[]): number[] {
  const found: number[] = [];
  for (const { address, instruction } of instructionsOf(elf, ranges))
    if (
      (instruction.class === 'jump' || instruction.class === 'conditional-jump') &&
      instruction.target === entry
    )
      found.push(address);
  return found;
}

function placeAt(debug: DebugInfo, address: number): Pick<Site, 'place'> {
  const [frame] = debug.dwarf === undefined ? [] : debug.frames(address);
  return frame === undefined || frame.line === 0 ? {} : { place: { file: frame.file, line: frame.line } };
}

/** Goroutines are told apart by the register that holds theirs: r14 on x86-64 since Go 1.17, x28 on aarch64 always. */
function refusalOf(
  debug: DebugInfo,
  bodies: readonly BoundedBody[],
  exits: readonly Site[],
): CallBounds['refusal'] {
  const count = 'Measure its count, or log its lines.';
  const { machine } = debug.elf.header;
  if (machine !== 'x86-64' && machine !== 'aarch64')
    return {
      message: `where Go keeps its goroutine on ${machine} is not known, and return probes would corrupt its stack.`,
      remedy: count,
    };
  if (machine === 'x86-64' && !keepsGoroutine(goVersion(debug.elf)))
    return {
      message:
        'it was built by Go before 1.18, or strangely: its goroutines cannot be told apart, and return probes would corrupt their stacks.',
      remedy: `Rebuild it with Go 1.18 or newer. ${count}`,
    };
  if (bodies.some(({ entry }) => isAssembly(debug, entry)))
    return {
      message: 'it is written in assembly, which may use the register that holds the goroutine for itself.',
      remedy: `Trace the Go function that calls it. ${count}`,
    };
  if (exits.length === 0)
    return { message: 'it has no return instruction: it never returns.', remedy: count };
  return undefined;
}

function keepsGoroutine(version: readonly [number, number] | undefined): boolean {
  if (version === undefined) return false;
  const [major, minor] = version;
  return major > 1 || minor >= 18;
}

function isAssembly(debug: DebugInfo, entry: number): boolean {
  const [frame] = debug.dwarf === undefined ? [] : debug.frames(entry);
  return frame?.file.endsWith('.s') === true;
}
