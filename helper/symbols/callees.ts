import type { Callee } from '../../protocol/calls.ts';
import type { DebugInfo } from './debug-info.ts';
import type { AddressRange } from './dwarf/lists.ts';
import { STT_FUNC, SHN_UNDEF } from './elf/symbol-table.ts';
import { decoderOf } from './instructions/decode.ts';
import { importAt, importSlots } from './unwinding.ts';

export interface FoundCallees {
  /** Functions of the same binary, in the order of their first call. */
  readonly callees: readonly Callee[];
  /** Functions of other libraries, by name. */
  readonly imported: readonly string[];
  /** Call instructions through a register or memory. */
  readonly indirectCalls: number;
}

/**
 * What the code of a function calls at its own depth: the targets of its call instructions, inlined functions' calls among them
 * (their code is the function's own). Tail calls are jumps and do not count: the function has ended then.
 */
export function calleesOf(debug: DebugInfo, ranges: readonly AddressRange[]): FoundCallees {
  const { elf } = debug;
  const decode = decoderOf(elf.header.machine);
  const callees = new Map<number, Callee>();
  const imported = new Set<string>();
  let indirectCalls = 0;
  if (decode === undefined) return { callees: [], imported: [], indirectCalls };
  const symbols = functionSymbols(debug);
  const slots = importSlots(elf);
  for (const { low, high } of ranges) {
    const bytes = elf.bytesAt(low, high - low);
    for (let at = 0; at < bytes.length;) {
      const instruction = decode(bytes, at, low + at);
      if (instruction === undefined || instruction.lengthBytes <= 0) break;
      at += instruction.lengthBytes;
      if (instruction.class !== 'call') continue;
      const { target } = instruction;
      if (target === undefined) {
        indirectCalls++;
        continue;
      }
      const symbol = symbols.get(target);
      if (symbol === undefined) {
        const name = elf.sectionAt(target)?.name.startsWith('.plt')
          ? importAt(elf, slots, target)
          : undefined;
        if (name !== undefined) imported.add(name);
      } else if (!callees.has(target)) callees.set(target, calleeAt(debug, target, symbol));
    }
  }
  return { callees: [...callees.values()], imported: [...imported], indirectCalls };
}

function functionSymbols(debug: DebugInfo): Map<number, string> {
  const names = new Map<number, string>();
  for (const table of [debug.elf.dynamicSymbols(), debug.elf.symbols(), debug.dwarf?.elf.symbols()])
    for (const symbol of table ?? [])
      if (symbol.type === STT_FUNC && symbol.section !== SHN_UNDEF) names.set(symbol.value, symbol.name);
  return names;
}

function calleeAt(debug: DebugInfo, address: number, symbol: string): Callee {
  const frame = debug.frames(address).at(-1);
  return {
    function: frame === undefined || frame.function === '??' ? debug.demangle(symbol) : frame.function,
    symbol,
    ...(frame === undefined || frame.line === 0 ? {} : { place: { file: frame.file, line: frame.line } }),
  };
}
