/** A register as an operand names it: `%eax` is the low 4 bytes of `ax`. */
export interface RegisterPart {
  /** The whole register in the kernel's spelling (`regs_query_register_offset`): `ax`, `r8`, `x0`, `sp`. */
  readonly register: string;
  readonly sizeBytes: number;
  /** `%ah` and its like: bits 8 to 15. */
  readonly highByte?: true;
}

const legacy = ['ax', 'bx', 'cx', 'dx'];
const pointers = ['si', 'di', 'bp', 'sp'];

/** All names of the general registers of x86-64 in AT&T spelling, without the `%`. */
const x86Registers: ReadonlyMap<string, RegisterPart> = new Map([
  ...legacy.flatMap((name): [string, RegisterPart][] => [
    [`r${name}`, { register: name, sizeBytes: 8 }],
    [`e${name}`, { register: name, sizeBytes: 4 }],
    [name, { register: name, sizeBytes: 2 }],
    [`${name.slice(0, 1)}l`, { register: name, sizeBytes: 1 }],
    [`${name.slice(0, 1)}h`, { register: name, sizeBytes: 1, highByte: true }],
  ]),
  ...pointers.flatMap((name): [string, RegisterPart][] => [
    [`r${name}`, { register: name, sizeBytes: 8 }],
    [`e${name}`, { register: name, sizeBytes: 4 }],
    [name, { register: name, sizeBytes: 2 }],
    [`${name}l`, { register: name, sizeBytes: 1 }],
  ]),
  ...Array.from({ length: 8 }, (_, index) => `r${index + 8}`).flatMap((name): [string, RegisterPart][] => [
    [name, { register: name, sizeBytes: 8 }],
    [`${name}d`, { register: name, sizeBytes: 4 }],
    [`${name}w`, { register: name, sizeBytes: 2 }],
    [`${name}b`, { register: name, sizeBytes: 1 }],
  ]),
  ['rip', { register: 'ip', sizeBytes: 8 }],
]);

export function x86Register(name: string): RegisterPart | undefined {
  return x86Registers.get(name);
}

/** `x0`…`x30`, `w0`…`w30`, `sp`. */
export function aarch64Register(name: string): RegisterPart | undefined {
  if (name === 'sp') return { register: 'sp', sizeBytes: 8 };
  const [, width, number] = /^([xw])(\d{1,2})$/.exec(name) ?? [];
  if (number === undefined || Number(number) > 30) return undefined;
  return { register: `x${Number(number)}`, sizeBytes: width === 'x' ? 8 : 4 };
}
