import { aarch64Register, x86Register, type RegisterPart } from './registers.ts';

/** Where an argument of a USDT probe is when the probe is hit. */
export type UsdtOperand =
  | ({ readonly kind: 'register' } & RegisterPart)
  | { readonly kind: 'immediate'; readonly value: bigint }
  /** Memory at `displacement + base + index · scale`, plus the address of `symbol` when it is named. */
  | {
      readonly kind: 'memory';
      readonly displacement: number;
      readonly base?: string;
      readonly index?: string;
      readonly scale: number;
      readonly symbol?: string;
    }
  /** An operand that is not understood, such as a floating-point register. */
  | { readonly kind: 'unknown' };

export interface UsdtArgument {
  readonly sizeBytes: number;
  readonly signed: boolean;
  readonly float: boolean;
  readonly operand: UsdtOperand;
  /** As the note has it: `-4@%eax`. */
  readonly text: string;
}

export type UsdtMachine = 'x86-64' | 'aarch64';

/**
 * Reads the argument string of a `.note.stapsdt` note: `N@OP` separated by blanks, N the size in bytes, negative for
 * signed values, with `f` behind it for floating point; OP an assembler operand
 * (systemtap: includes/sys/sdt.h and https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation).
 */
export function parseArguments(text: string, machine: UsdtMachine): UsdtArgument[] {
  return splitArguments(text).map((argument) => parseArgument(argument, machine));
}

/** Splits at blanks outside brackets: aarch64 writes `8@[sp, 16]`. */
function splitArguments(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of text) {
    if (character === '(' || character === '[') depth++;
    else if (character === ')' || character === ']') depth--;
    if (depth <= 0 && /\s/.test(character)) {
      if (current !== '') found.push(current);
      current = '';
    } else current += character;
  }
  if (current !== '') found.push(current);
  return found;
}

function parseArgument(text: string, machine: UsdtMachine): UsdtArgument {
  const [, sign, size, float, operand = text] = /^(-?)(\d)(f?)@(.*)$/s.exec(text) ?? [];
  const parse = machine === 'aarch64' ? aarch64Operand : x86Operand;
  return {
    sizeBytes: size === undefined ? 8 : Number(size),
    signed: sign === '-',
    float: float === 'f',
    operand: parse(operand.trim()) ?? { kind: 'unknown' },
    text,
  };
}

/** AT&T spelling: `%rax`, `$42`, `-8(%rbp)`, `arr+8(%rip)`, `8+arr(%rip)`, `(%rsp,%rdx,8)`, `symbol`. */
function x86Operand(text: string): UsdtOperand | undefined {
  if (text.startsWith('%')) {
    const part = x86Register(text.slice(1));
    return part && { kind: 'register', ...part };
  }
  if (text.startsWith('$')) return immediate(text.slice(1));
  // gcc writes the displacement before the symbol at times; both orders mean the same
  const usual = text.replace(/^(\d+)\+([A-Za-z_.$][\w.$@]*)/, '$2+$1');
  const match =
    /^([A-Za-z_.$][\w.$@]*)?([+-]?(?:0x[\da-f]+|\d+))?(?:\((?:%(\w+))?(?:,%(\w+)(?:,([1248]))?)?\))?$/i.exec(
      usual,
    );
  if (match === null || text === '') return undefined;
  const [, symbol, displacement, base, index, scale] = match;
  const registers = [base, index].map((name) => (name === undefined ? undefined : x86Register(name)));
  if ([base, index].some((name, at) => name !== undefined && registers[at]?.sizeBytes !== 8))
    return undefined;
  return memory(
    symbol,
    displacement === undefined ? 0 : Number(displacement),
    registers[0]?.register,
    registers[1]?.register,
    scale === undefined ? 1 : Number(scale),
  );
}

/** `x0`, `5`, `[sp]`, `[sp, 16]`, `[x0, x1]`, `[x0, x1, lsl 3]`, also with `#` before numbers. */
function aarch64Operand(text: string): UsdtOperand | undefined {
  if (!text.startsWith('[')) {
    const part = aarch64Register(text);
    return part === undefined ? immediate(text.replace(/^#/, '')) : { kind: 'register', ...part };
  }
  const match = /^\[(\w+)(?:, *#?(-?\d+)|, *(x\d+)(?:, *lsl #?(\d))?)?\]$/.exec(text);
  if (match === null) return undefined;
  const [, base = '', displacement, index, shift] = match;
  const baseRegister = aarch64Register(base);
  const indexRegister = index === undefined ? undefined : aarch64Register(index);
  if (baseRegister?.sizeBytes !== 8 || (index !== undefined && indexRegister === undefined)) return undefined;
  return memory(
    undefined,
    Number(displacement ?? 0),
    baseRegister.register,
    indexRegister?.register,
    2 ** Number(shift ?? 0),
  );
}

function immediate(text: string): UsdtOperand | undefined {
  const [, sign, digits] = /^([+-]?)(0x[\da-f]+|\d+)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return { kind: 'immediate', value: sign === '-' ? -BigInt(digits) : BigInt(digits) };
}

function memory(
  symbol: string | undefined,
  displacement: number,
  base: string | undefined,
  index: string | undefined,
  scale: number,
): UsdtOperand | undefined {
  if (!Number.isSafeInteger(displacement)) return undefined;
  return {
    kind: 'memory',
    displacement,
    scale,
    ...(base === undefined ? {} : { base }),
    ...(index === undefined ? {} : { index }),
    ...(symbol === undefined ? {} : { symbol }),
  };
}
