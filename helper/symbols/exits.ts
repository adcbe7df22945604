import type { AddressRange } from './dwarf/lists.ts';
import type { ElfFile } from './elf.ts';
import { decoderOf } from './instructions/decode.ts';
import type { Instruction } from './instructions/instruction.ts';

/** An instruction at which control leaves a function for good. */
export interface Exit {
  /** `unknown`: an indirect jump, which is a switch or a tail call through a pointer. */
  readonly kind: 'return' | 'tail-call' | 'unknown';
  readonly address: number;
  /** Control leaves there only if a condition holds. */
  readonly conditional?: true;
}

/** Functions longer than this are not looked through: the largest of vmlinux has 60 KB. */
const MOST_BYTES = 4 << 20;

/**
 * The exits of a function: its return instructions, and jumps whose target lies outside all of its ranges. Empty for a
 * machine whose instructions are not known.
 */
export function exitsOf(elf: ElfFile, ranges: readonly AddressRange[]): Exit[] {
  const exits: Exit[] = [];
  for (const { address, instruction } of instructionsOf(elf, ranges)) {
    const kind = exitKind(instruction, ranges);
    if (kind !== undefined)
      exits.push({
        kind,
        address,
        ...(instruction.class === 'conditional-jump' ? { conditional: true } : {}),
      });
  }
  return exits;
}

/** The instructions of these ranges, in order; a range ends where bytes are no code, for what follows would be guessed. */
export function* instructionsOf(
  elf: ElfFile,
  ranges: readonly AddressRange[],
): Generator<{ readonly address: number; readonly instruction: Instruction }> {
  const decode = decoderOf(elf.header.machine);
  if (decode === undefined) return;
  for (const { low, high } of ranges) {
    const bytes = elf.bytesAt(low, Math.min(high - low, MOST_BYTES));
    for (let at = 0; at < bytes.length;) {
      const instruction = decode(bytes, at, low + at);
      if (instruction === undefined || instruction.class === 'invalid') break;
      yield { address: low + at, instruction };
      at += instruction.lengthBytes;
    }
  }
}

function exitKind(instruction: Instruction, ranges: readonly AddressRange[]): Exit['kind'] | undefined {
  switch (instruction.class) {
    case 'return':
      return 'return';
    case 'jump':
    case 'conditional-jump': {
      const { target } = instruction;
      if (target === undefined) return undefined;
      return ranges.some(({ low, high }) => target >= low && target < high) ? undefined : 'tail-call';
    }
    case 'indirect-jump':
      return 'unknown';
    default:
      return undefined;
  }
}
