/**
 * What an instruction does, as far as probes care: the kernel emulates nops, pushes of a register and relative jumps and
 * calls, and single-steps the rest, which costs ten times as much (FACTS section 3); returns and jumps out are exits.
 */
export type InstructionClass =
  | 'nop'
  /** `endbr64`, `bti`, `paciasp`: marks an entry. */
  | 'landing-pad'
  | 'push'
  | 'move'
  | 'call'
  | 'jump'
  | 'indirect-jump'
  | 'conditional-jump'
  | 'return'
  | 'other'
  /** No instruction starts with these bytes. */
  | 'invalid';

export interface Instruction {
  readonly lengthBytes: number;
  readonly class: InstructionClass;
  /** Of direct jumps and calls: the address. Of `lea x(%rip)`: what it computes. */
  readonly target?: number;
}

/** Decodes the instruction at `at`, whose address is `address`. Undefined when the bytes end within it. */
export type Decode = (bytes: Uint8Array, at: number, address: number) => Instruction | undefined;
