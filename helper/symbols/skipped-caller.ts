import type { DebugInfo } from './debug-info.ts';
import type { ElfFile } from './elf.ts';
import { STT_FUNC, SHN_UNDEF } from './elf/symbol-table.ts';
import { decoderOf } from './instructions/decode.ts';
import type { FoundSymbol } from './symbol-lookup.ts';
import { importAt, importSlots } from './unwinding.ts';

/** A place of a program's code: a virtual address in a file. */
export interface CodePlace {
  readonly info: DebugInfo;
  readonly vaddr: number;
}

/**
 * What a stack walked by frame pointers does not show between two of its frames.
 *
 *   nothing   the outer frame called the inner one
 *   caller    a function, found in the code, was called by the outer frame and calls the inner one; `vaddr` is its only call of it,
 *             or undefined when it has several or goes through others
 *   unknown   something, but the code does not tell what: the outer frame calls through a pointer
 */
export type Skipped =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'caller'; readonly name: string; readonly vaddr: number | undefined }
  | { readonly kind: 'unknown' };

/** Prologues are short: what sets up a frame stands among their first instructions. */
const PROLOGUE_BYTES = 64;
const CALL_BYTES = 5;

/**
 * Whether the function around `vaddr` has set up a frame (`push %rbp; mov %rsp,%rbp`) when it is there. One that has not is walked
 * past together with its caller, whose frame is taken for its own. Undefined where no symbol tells where the function begins.
 */
export function keepsFrame({ info, vaddr }: CodePlace): boolean | undefined {
  // Elsewhere frames are the rule: AArch64's ABI demands them of all but leaf functions.
  if (info.elf.header.machine !== 'x86-64') return true;
  const start = info.symbols.find(vaddr)?.address;
  if (start === undefined) return undefined;
  const bytes = info.elf.bytesAt(start, Math.min(PROLOGUE_BYTES, vaddr - start));
  for (let at = bytes.indexOf(0x48); at >= 0; at = bytes.indexOf(0x48, at + 1))
    if (bytes[at + 1] === 0x89 && bytes[at + 2] === 0xe5 && bytes.subarray(0, at).includes(0x55)) return true;
  return false;
}

/** What lies between a place and the return address that frame pointers give as its caller's. */
export function skippedBetween(inner: CodePlace, outer: CodePlace): Skipped {
  const names = namesAt(inner);
  const called = calledBefore(outer);
  if (called === undefined) return { kind: 'unknown' };
  if (isCallOf(called, outer.info, inner, names)) return { kind: 'nothing' };
  if (called.symbol === undefined)
    return called.name === undefined
      ? { kind: 'unknown' }
      : { kind: 'caller', name: called.name, vaddr: undefined };
  const calls = callsOf(outer.info, called.symbol).filter((call) => isCallOf(call, outer.info, inner, names));
  return {
    kind: 'caller',
    name: called.symbol.name,
    // one before where it returns to: the call itself, as for other return addresses
    vaddr: calls.length === 1 && calls[0] !== undefined ? calls[0].returnsTo - 1 : undefined,
  };
}

/** The target of a call: a function of the same file, or one of another by name. */
interface Call {
  readonly returnsTo: number;
  readonly symbol?: FoundSymbol;
  readonly name?: string;
}

function isCallOf(call: Call, caller: DebugInfo, inner: CodePlace, names: ReadonlySet<string>): boolean {
  if (call.name !== undefined) return names.has(call.name);
  return (
    sameFile(caller.elf, inner.info.elf) &&
    call.symbol?.address === inner.info.symbols.find(inner.vaddr)?.address
  );
}

function sameFile(a: ElfFile, b: ElfFile): boolean {
  return a === b || (a.path === b.path && a.buildId === b.buildId);
}

/** The call instruction that ends where a return address points. */
function calledBefore({ info, vaddr }: CodePlace): Call | undefined {
  const bytes = info.elf.bytesAt(vaddr - CALL_BYTES, CALL_BYTES);
  if (bytes.length < CALL_BYTES || bytes[0] !== 0xe8) return undefined;
  const displacement = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(1, true);
  return callTo(info, vaddr + displacement, vaddr);
}

function callTo(info: DebugInfo, target: number, returnsTo: number): Call {
  if (info.elf.sectionAt(target)?.name.startsWith('.plt') === true) {
    const name = importAt(info.elf, slotsOf(info.elf), target);
    return { returnsTo, ...(name === undefined ? {} : { name }) };
  }
  const symbol = info.symbols.find(target);
  return { returnsTo, ...(symbol?.address === target ? { symbol } : {}) };
}

/** The direct calls of a function, those through the global offset table (`-fno-plt`) among them. */
function callsOf(info: DebugInfo, { address, sizeBytes }: FoundSymbol): Call[] {
  const decode = decoderOf(info.elf.header.machine);
  const bytes = info.elf.bytesAt(address, sizeBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const calls: Call[] = [];
  for (let at = 0; decode !== undefined && at < bytes.length;) {
    const instruction = decode(bytes, at, address + at);
    if (instruction === undefined || instruction.lengthBytes <= 0) break;
    const end = at + instruction.lengthBytes;
    if (instruction.class === 'call') {
      const returnsTo = address + end;
      if (instruction.target !== undefined) calls.push(callTo(info, instruction.target, returnsTo));
      else if (bytes[end - 6] === 0xff && bytes[end - 5] === 0x15) {
        const name = slotsOf(info.elf).get(returnsTo + view.getInt32(end - 4, true));
        if (name !== undefined) calls.push({ returnsTo, name });
      }
    }
    at = end;
  }
  return calls;
}

const slots = new WeakMap<ElfFile, ReadonlyMap<number, string>>();

function slotsOf(elf: ElfFile): ReadonlyMap<number, string> {
  let known = slots.get(elf);
  if (known === undefined) slots.set(elf, (known = importSlots(elf)));
  return known;
}

const exported = new WeakMap<ElfFile, ReadonlyMap<number, ReadonlySet<string>>>();

/** All names under which other files know the function around a place: `write` and `__write` are one. */
function namesAt({ info, vaddr }: CodePlace): ReadonlySet<string> {
  let known = exported.get(info.elf);
  if (known === undefined) {
    const names = new Map<number, Set<string>>();
    for (const symbol of info.elf.dynamicSymbols() ?? []) {
      if (symbol.type !== STT_FUNC || symbol.section === SHN_UNDEF) continue;
      let here = names.get(symbol.value);
      if (here === undefined) names.set(symbol.value, (here = new Set()));
      here.add(symbol.name.replace(/@.*$/, ''));
    }
    exported.set(info.elf, (known = names));
  }
  return known.get(info.symbols.find(vaddr)?.address ?? -1) ?? new Set();
}
