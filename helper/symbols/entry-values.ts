import type { DebugInfo } from './debug-info.ts';
import { stripped, typeOf, type Type } from './dwarf/types.ts';
import { attributes } from './dwarf/constants.ts';

/** How the bits of a register are read as a value of the source. */
export interface ValueKind {
  readonly as: 'signed' | 'unsigned' | 'boolean' | 'character' | 'pointer' | 'text';
  readonly sizeBytes: number;
}

export interface EntryParameter {
  readonly name: string;
  /** bpftrace's `argN`; undefined where the value is in no integer register: floating point, structs, the seventh and later. */
  readonly register?: number;
  readonly kind?: ValueKind;
}

export interface EntryValues {
  readonly parameters: readonly EntryParameter[];
  readonly returned?: ValueKind;
}

/** Integer registers that carry parameters: x86-64 System V ABI section 3.2.3, AAPCS64 section 6.8. */
const REGISTERS = { x64: 6, arm64: 8 } as const;

/** Parameters and return value of the function whose code begins at `entry`, as its callers pass them. */
export function entryValues(debug: DebugInfo, entry: number, arch: string): EntryValues {
  const scope = debug.scopesAt(entry).at(-1);
  if (scope === undefined) return { parameters: [] };
  let next = 0;
  // a struct by value may take registers or the stack: what follows it is not told apart here
  let known = true;
  const parameters = scope.variables
    .filter(({ kind }) => kind === 'parameter')
    .map(({ name, type }): EntryParameter => {
      const bare = stripped(type());
      if (bare.kind === 'struct' || bare.kind === 'class' || bare.kind === 'union') known = false;
      const kind = kindOf(bare);
      if (kind === undefined || !known) return { name };
      const register = next++;
      return register < (arch === 'arm64' ? REGISTERS.arm64 : REGISTERS.x64)
        ? { name, register, kind }
        : { name };
    });
  const returned =
    scope.die.find(attributes.type) === undefined ? undefined : kindOf(stripped(typeOf(scope.die)));
  return { parameters, ...(returned === undefined ? {} : { returned }) };
}

function kindOf(type: Type): ValueKind | undefined {
  const { sizeBytes } = type;
  switch (type.kind) {
    case 'pointer':
      return { as: isCharacter(stripped(type.target())) ? 'text' : 'pointer', sizeBytes };
    case 'reference':
    case 'rvalue-reference':
      return { as: 'pointer', sizeBytes: 8 };
    case 'enum':
      return { as: 'signed', sizeBytes };
    case 'base':
      if (sizeBytes > 8) return undefined;
      if (type.encoding === 'signed') return { as: 'signed', sizeBytes };
      if (type.encoding === 'unsigned') return { as: 'unsigned', sizeBytes };
      if (type.encoding === 'boolean') return { as: 'boolean', sizeBytes };
      return type.encoding === 'signed-char' || type.encoding === 'unsigned-char'
        ? { as: 'character', sizeBytes }
        : undefined;
    default:
      return undefined;
  }
}

const isCharacter = (type: Type): boolean =>
  type.kind === 'base' && (type.encoding === 'signed-char' || type.encoding === 'unsigned-char');

/** A register's bits (hexadecimal) as the source would write the value. */
export function showValue(hex: string, { as, sizeBytes }: ValueKind): string {
  const bits = BigInt.asUintN(Math.min(64, sizeBytes * 8), BigInt(`0x${hex}`));
  switch (as) {
    case 'signed':
      return BigInt.asIntN(Math.min(64, sizeBytes * 8), bits).toString();
    case 'unsigned':
      return bits.toString();
    case 'boolean':
      return bits === 0n ? 'false' : 'true';
    case 'character': {
      const code = Number(bits & 0xffn);
      return code >= 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : code.toString();
    }
    case 'pointer':
    case 'text':
      return bits === 0n ? 'NULL' : `0x${bits.toString(16)}`;
  }
}
