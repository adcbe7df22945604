import type { FunctionSubject, RefusedSite, Site } from '../../protocol/probe.ts';
import type { DebugInfo } from './debug-info.ts';
import type { ElfFile } from './elf.ts';
import { STT_FUNC, STT_GNU_IFUNC } from './elf/symbol-table.ts';
import { copyEntries } from './copy-entries.ts';
import { exitsOf, type Exit } from './exits.ts';
import { ifuncTargets, resolverReason } from './ifunc.ts';
import { prefixRefusal } from './instructions/probeable.ts';
import type { InstructionClass } from './instructions/instruction.ts';
import { decoderOf } from './instructions/decode.ts';
import type { FunctionBody, FunctionInfo, InlinedCopy } from './model.ts';

/** A site with what its first instruction is, which decides what a hit costs (FACTS section 3). */
export interface PlannedSite extends Site {
  readonly firstInstruction: InstructionClass;
}

/** How the end of a call is seen. */
export interface ReturnPlan {
  /** `uretprobe`: the kernel takes over the return address; `instructions`: a probe on each exit, since that would break Go's moving stacks. */
  readonly way: 'uretprobe' | 'instructions';
  /** Exits to probe, for `instructions`; tail calls also for `uretprobe`, where the callee's time is included. */
  readonly sites: readonly PlannedSite[];
  readonly refused: readonly RefusedSite[];
}

/** Everywhere that a function's calls begin and end. */
export interface AttachPlan extends FunctionSubject {
  readonly sites: readonly PlannedSite[];
  readonly returns: ReturnPlan;
}

/** What compilers append to clones: `.constprop.0`, `.isra.0`, `.llvm.123`, `.avx2`. */
const cloneSuffix = /\.[a-z]/;

/** Plans a probe on a function of the source: every body, clone and inlined copy, and what cannot be attached with the reason. */
export function attachPlan(debug: DebugInfo, info: FunctionInfo): AttachPlan {
  const sites: PlannedSite[] = [];
  const refused: RefusedSite[] = [];
  const bodies = probedBodies(info);
  for (const body of info.bodies)
    if (bodies.includes(body)) placeBody(debug, info, body, sites, refused);
    else refused.push(partRefusal(info, body));
  const copies = planCopies(debug, info, new Set(sites.map(({ vaddr }) => vaddr)));
  sites.push(...copies.sites);
  refused.push(...copies.refused);
  return {
    kind: 'function',
    function: info.name,
    ...(info.declared === undefined ? {} : { declared: info.declared }),
    sites,
    refused,
    returns: planReturns(debug.elf, info, bodies),
  };
}

/** The bodies in which calls begin. */
export function probedBodies(info: FunctionInfo): readonly FunctionBody[] {
  return info.bodies.filter(
    (body) => !isPart(body) || (info.bodies.every(isPart) && info.inlined.length === 0),
  );
}

/** Where the inlined copies of a function begin; an address of `taken` is probed already. */
export function planCopies(
  debug: DebugInfo,
  info: FunctionInfo,
  taken: ReadonlySet<number>,
): { readonly sites: readonly PlannedSite[]; readonly refused: readonly RefusedSite[] } {
  const places = new Map<number, { readonly copy: InlinedCopy; calls: number }>();
  const refused: RefusedSite[] = [];
  const entries = info.inlined.map((copy) => ({
    copy,
    addresses: copy.ranges.length === 0 ? [] : copyEntries(debug, copy),
  }));
  // A copy whose ranges reach around another one finds the other's entry too: it is left to the one that has no other.
  for (const { copy, addresses } of [...entries].sort((a, b) => a.addresses.length - b.addresses.length))
    placeCopy(debug, copy, addresses, taken, places, refused);
  const sites: PlannedSite[] = [];
  for (const [address, { copy, calls }] of [...places].sort(([a], [b]) => a - b)) {
    const shared = calls === 1 ? {} : { callsAHit: calls };
    const place = { place: copy.callSite, into: copy.into, ...shared };
    if (!addSite(debug.elf, 'inlined', address, place, sites))
      refused.push(copyRefusal(copy, 'has no bytes in the file.'));
  }
  return { sites, refused };
}

function placeBody(
  debug: DebugInfo,
  info: FunctionInfo,
  body: FunctionBody,
  sites: PlannedSite[],
  refused: RefusedSite[],
): void {
  const { elf } = debug;
  const kind = isClone(info, body) ? 'clone' : 'entry';
  const place = info.declared === undefined ? {} : { place: info.declared };
  const targets = body.symbol === undefined ? undefined : ifuncTargets(elf, body.symbol, body.entry);
  if (body.symbol !== undefined && targets !== undefined) {
    refused.push({ kind: 'entry', ...place, reason: resolverReason(body.symbol, targets) });
    for (const { address, name } of targets)
      addSite(elf, 'ifunc-target', address, name === undefined ? {} : { symbol: name }, sites);
    return;
  }
  const added = addSite(
    elf,
    kind,
    body.entry,
    { ...place, ...(body.symbol === undefined ? {} : { symbol: body.symbol }) },
    sites,
  );
  if (!added)
    refused.push({
      kind,
      ...place,
      reason: 'The linker left this body out of the program: it has no bytes in the file.',
    });
}

function placeCopy(
  debug: DebugInfo,
  copy: InlinedCopy,
  addresses: readonly number[],
  taken: ReadonlySet<number>,
  places: Map<number, { readonly copy: InlinedCopy; calls: number }>,
  refused: RefusedSite[],
): void {
  const [first] = addresses;
  const free = addresses.filter((address) => !taken.has(address));
  const own = free.filter((address) => !places.has(address));
  if (first === undefined) refused.push(copyRefusal(copy, 'has no instructions of its own.'));
  else if (free.length === 0)
    refused.push(
      copyRefusal(copy, 'begins at the same instruction as the function itself, which is probed.'),
    );
  // The compiler put the beginnings of two calls, one after the other, at one instruction: a hit is one of each.
  else if (own.length === 0) for (const address of free.slice(0, 1)) places.get(address)!.calls++;
  for (const address of own) {
    const unprobeable = prefixRefusal(debug.elf, address);
    if (unprobeable === undefined) places.set(address, { copy, calls: 1 });
    else refused.push(copyRefusal(copy, `begins with ${unprobeable}`));
  }
}

function copyRefusal(copy: InlinedCopy, reason: string): RefusedSite {
  return {
    kind: 'inlined',
    place: copy.callSite,
    reason: `The copy inlined into ${copy.into} ${reason}`,
  };
}

function addSite(
  elf: ElfFile,
  kind: Site['kind'],
  vaddr: number,
  rest: Partial<Site>,
  sites: PlannedSite[],
): boolean {
  const fileOffsetBytes = elf.fileOffsetOf(vaddr);
  if (fileOffsetBytes === undefined) return false;
  sites.push({ ...rest, kind, vaddr, fileOffsetBytes, firstInstruction: firstInstruction(elf, vaddr) });
  return true;
}

export function firstInstruction(elf: ElfFile, vaddr: number): InstructionClass {
  return decoderOf(elf.header.machine)?.(elf.bytesAt(vaddr, 16), 0, vaddr)?.class ?? 'other';
}

/** GCC splits a function's unlikely rest off as `name.part.N`: it is reached from the copies of the head, which are probed. */
function isPart(body: FunctionBody): boolean {
  return body.symbol !== undefined && /\.part(\.\d+)?/.test(body.symbol);
}

export function partRefusal(info: FunctionInfo, body: FunctionBody): RefusedSite {
  return {
    kind: 'clone',
    ...(info.declared === undefined ? {} : { place: info.declared }),
    reason: `${body.symbol} is the split-off rest of the function: its calls are counted where they begin.`,
  };
}

function isClone(info: FunctionInfo, body: FunctionBody): boolean {
  const { symbol } = body;
  if (
    symbol === undefined ||
    symbol === info.linkageName ||
    symbol === info.shortName ||
    symbol === info.name
  )
    return false;
  return cloneSuffix.test(symbol);
}

function planReturns(elf: ElfFile, info: FunctionInfo, bodies: readonly FunctionBody[]): ReturnPlan {
  const isGo = info.unit.language === 'go';
  const sites: PlannedSite[] = [];
  const refused: RefusedSite[] = info.inlined.map((copy) => ({
    kind: 'return',
    place: copy.callSite,
    reason: `The copy inlined into ${copy.into} has no return instruction: where it ends is not one place.`,
  }));
  for (const body of bodies) {
    const exits = exitsOf(elf, body.ranges);
    for (const exit of exits) placeExit(elf, exit, isGo, sites, refused);
  }
  return { way: isGo ? 'instructions' : 'uretprobe', sites, refused };
}

function placeExit(
  elf: ElfFile,
  exit: Exit,
  isGo: boolean,
  sites: PlannedSite[],
  refused: RefusedSite[],
): void {
  if (exit.kind === 'unknown')
    refused.push({
      kind: 'tail-call-exit',
      reason: `The indirect jump at 0x${exit.address.toString(16)} may leave the function or stay in it: which one is not known.`,
    });
  else if (exit.kind === 'tail-call') addSite(elf, 'tail-call-exit', exit.address, {}, sites);
  else if (isGo) addSite(elf, 'return', exit.address, {}, sites);
}

/** Plans for a function of the symbol table alone: assembly, stripped code. Undefined when there is no such symbol. */
export function symbolPlan(elf: ElfFile, name: string): AttachPlan | undefined {
  for (const table of [elf.symbols(), elf.dynamicSymbols()])
    for (const symbol of table ?? []) {
      if (
        symbol.name !== name ||
        (symbol.type !== STT_FUNC && symbol.type !== STT_GNU_IFUNC) ||
        symbol.section === 0
      )
        continue;
      const sites: PlannedSite[] = [];
      const refused: RefusedSite[] = [];
      const targets = ifuncTargets(elf, name, symbol.value);
      if (targets === undefined) addSite(elf, 'entry', symbol.value, { symbol: name }, sites);
      else {
        refused.push({ kind: 'entry', reason: resolverReason(name, targets) });
        for (const target of targets)
          addSite(
            elf,
            'ifunc-target',
            target.address,
            target.name === undefined ? {} : { symbol: target.name },
            sites,
          );
      }
      return {
        kind: 'function',
        function: name,
        sites,
        refused,
        returns: { way: 'uretprobe', sites: [], refused: [] },
      };
    }
  return undefined;
}
