/**
 * A 64-bit number that is known when a probe is hit, as a tree. What the kernel can fetch by itself becomes one argument
 * of the probe; what it cannot compute (`rdi + 4` as a value, `rdi & 3`) is computed by us from arguments it can fetch.
 * Only memory whose address itself needs computing is out of reach: see `engines/tracefs/fetch.ts`.
 */
export type Term =
  /** A general register by its DWARF number; see `registers.ts`. */
  | { readonly op: 'register'; readonly register: number }
  /** Two's complement in 64 bits, kept unsigned. */
  | { readonly op: 'constant'; readonly value: bigint }
  /** An address of the binary, moved to where the process has it. */
  | { readonly op: 'image'; readonly vaddr: number }
  /** Little-endian, zero-extended. */
  | { readonly op: 'memory'; readonly address: Term; readonly bytes: 1 | 2 | 4 | 8 }
  /** A register as it was when the function was entered. */
  | { readonly op: 'entry'; readonly register: number }
  | { readonly op: 'binary'; readonly operator: BinaryOperator; readonly left: Term; readonly right: Term }
  /** The low `bits` of `term`, sign- or zero-extended to 64. */
  | { readonly op: 'extend'; readonly term: Term; readonly bits: number; readonly signed: boolean };

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | 'u/'
  | 'u%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | 'u>>'
  | '=='
  | '!='
  | '<'
  | '<='
  | 'u<'
  | 'u<=';

const BITS = 64;
export const unsigned = (value: bigint): bigint => BigInt.asUintN(BITS, value);
export const signed = (value: bigint): bigint => BigInt.asIntN(BITS, value);

export function constant(value: bigint | number): Term {
  return { op: 'constant', value: unsigned(BigInt(value)) };
}

export function register(number: number): Term {
  return { op: 'register', register: number };
}

export function memory(address: Term, bytes: 1 | 2 | 4 | 8): Term {
  return { op: 'memory', address, bytes };
}

/** Folds constants, so that `(cfa + 8) − 24` stays one register with one offset. */
export function binary(operator: BinaryOperator, left: Term, right: Term): Term {
  if (left.op === 'constant' && right.op === 'constant')
    return constant(calculate(operator, left.value, right.value) ?? 0n);
  if (operator === '-' && right.op === 'constant') return binary('+', left, constant(-right.value));
  if (operator !== '+') return { op: 'binary', operator, left, right };
  if (left.op === 'constant') return binary('+', right, left);
  if (right.op === 'constant') {
    if (right.value === 0n) return left;
    if (left.op === 'image') return { op: 'image', vaddr: left.vaddr + Number(signed(right.value)) };
    if (left.op === 'binary' && left.operator === '+' && left.right.op === 'constant')
      return binary('+', left.left, constant(left.right.value + right.value));
  }
  return { op: 'binary', operator, left, right };
}

export function plus(term: Term, offset: number | bigint): Term {
  return binary('+', term, constant(offset));
}

export function extend(term: Term, bits: number, isSigned: boolean): Term {
  if (bits >= BITS) return term;
  if (!isSigned && term.op === 'memory' && term.bytes * 8 <= bits) return term;
  if (term.op === 'constant') return constant(extended(term.value, bits, isSigned));
  return { op: 'extend', term, bits, signed: isSigned };
}

export function extended(value: bigint, bits: number, isSigned: boolean): bigint {
  return unsigned(isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
}

/** In 64-bit two's complement; undefined for a division by zero. Results are unsigned. */
export function calculate(operator: BinaryOperator, left: bigint, right: bigint): bigint | undefined {
  const [a, b] = [unsigned(left), unsigned(right)];
  const [s, t] = [signed(left), signed(right)];
  const truth = (holds: boolean): bigint => (holds ? 1n : 0n);
  switch (operator) {
    case '+':
      return unsigned(a + b);
    case '-':
      return unsigned(a - b);
    case '*':
      return unsigned(a * b);
    case '/':
      return t === 0n ? undefined : unsigned(s / t);
    case '%':
      return t === 0n ? undefined : unsigned(s % t);
    case 'u/':
      return b === 0n ? undefined : a / b;
    case 'u%':
      return b === 0n ? undefined : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return b >= 64n ? 0n : unsigned(a << b);
    case '>>':
      return unsigned(s >> (b >= 64n ? 63n : b));
    case 'u>>':
      return b >= 64n ? 0n : a >> b;
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    case '<':
      return truth(s < t);
    case '<=':
      return truth(s <= t);
    case 'u<':
      return truth(a < b);
    case 'u<=':
      return truth(a <= b);
  }
}
