import { DwarfReader } from '../dwarf/reader.ts';
import type { Unit } from '../dwarf/unit.ts';
import type { Die } from '../dwarf/die.ts';
import { attributes } from '../dwarf/constants.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import { ops, OP } from './operations.ts';
import { binary, constant, extend, memory, plus, register, type BinaryOperator, type Term } from './term.ts';

/** Where a variable is (DWARF 5 sections 2.5 and 2.6). */
export type Location =
  | { readonly kind: 'memory'; readonly address: Term }
  | { readonly kind: 'register'; readonly register: number }
  /** Not in the program's memory: computed (DW_OP_stack_value). */
  | { readonly kind: 'value'; readonly term: Term }
  /** DW_OP_implicit_value. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A pointer that was optimised out, to something that is described: `die`'s value, `offsetBytes` into it. */
  | { readonly kind: 'implicit-pointer'; readonly die: Die; readonly offsetBytes: number }
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  /** Optimised out. */
  | { readonly kind: 'none' };

export interface Piece {
  readonly location: Location;
  readonly sizeBytes: number;
}

/** What an expression may refer to outside itself. */
export interface ExpressionContext {
  readonly unit: Unit;
  /** DW_AT_frame_base of the function. */
  readonly frameBase: () => Term;
  readonly callFrameAddress: () => Term;
}

/** Longest a hostile expression may run; real ones have below 100 operations. */
const MOST_OPERATIONS = 10_000;

/** Evaluates a location expression symbolically. Throws `expression-unsupported`, naming the operation. */
export function evaluateLocation(bytes: Uint8Array, context: ExpressionContext): Location {
  const pieces: Piece[] = [];
  const machine = new ExpressionMachine(bytes, context);
  for (;;) {
    const location = machine.runToPiece();
    if (machine.pieceBytes === undefined) {
      if (pieces.length === 0) return location;
      break;
    }
    pieces.push({ location, sizeBytes: machine.pieceBytes });
    if (machine.atEnd) break;
  }
  return { kind: 'pieces', pieces };
}

/** The stack machine of DWARF 5 section 2.5, on terms. */
class ExpressionMachine {
  /** Size of the piece that ended the last run; undefined when the expression ended. */
  pieceBytes: number | undefined;
  readonly #reader: DwarfReader;
  readonly #context: ExpressionContext;
  readonly #stack: Term[] = [];
  #location: Location | undefined;
  #operations = 0;

  constructor(bytes: Uint8Array, context: ExpressionContext) {
    this.#context = context;
    this.#reader = new DwarfReader(bytes, 0, bytes.length, context.unit.file.path, 'location expression');
  }

  get atEnd(): boolean {
    return this.#reader.at >= this.#reader.end;
  }

  runToPiece(): Location {
    this.pieceBytes = undefined;
    this.#location = undefined;
    this.#stack.length = 0;
    while (!this.atEnd) {
      if (++this.#operations > MOST_OPERATIONS) throw unsupported('an expression without end');
      const op = this.#reader.u8();
      if (op === OP.piece) {
        this.pieceBytes = this.#reader.uleb();
        break;
      }
      if (op === OP.bitPiece) {
        const bits = this.#reader.uleb();
        const offset = this.#reader.uleb();
        if (bits % 8 !== 0 || offset !== 0)
          throw unsupported('a part that is not whole bytes (DW_OP_bit_piece)');
        this.pieceBytes = bits / 8;
        break;
      }
      this.#step(op);
    }
    if (this.#location !== undefined) return this.#location;
    const address = this.#stack.at(-1);
    return address === undefined ? { kind: 'none' } : { kind: 'memory', address };
  }

  #step(op: number): void {
    const reader = this.#reader;
    if (op >= OP.lit0 && op <= OP.lit31) this.#push(constant(op - OP.lit0));
    else if (op >= OP.reg0 && op <= OP.reg31) this.#location = { kind: 'register', register: op - OP.reg0 };
    else if (op >= OP.breg0 && op <= OP.breg31)
      this.#push(plus(register(op - OP.breg0), reader.bigLeb(true)));
    else if (op >= OP.const1u && op <= OP.consts) this.#push(constant(this.#readConstant(op)));
    else if (op in arithmetic) this.#binary(arithmetic[op]!);
    else if (op in comparison) this.#compare(comparison[op]!);
    else this.#stepOther(op);
  }

  #stepOther(op: number): void {
    const reader = this.#reader;
    const { unit } = this.#context;
    switch (op) {
      case OP.addr:
        return this.#push({ op: 'image', vaddr: reader.address(unit.addressSize) });
      case OP.addrx:
      case OP.gnuAddrIndex:
        return this.#push({ op: 'image', vaddr: unit.indexedAddress(reader.uleb()) });
      case OP.constx:
      case OP.gnuConstIndex:
        return this.#push(constant(unit.indexedAddress(reader.uleb())));
      case OP.regx:
        this.#location = { kind: 'register', register: reader.uleb() };
        return;
      case OP.bregx: {
        const number = reader.uleb();
        return this.#push(plus(register(number), reader.bigLeb(true)));
      }
      case OP.fbreg:
        return this.#push(plus(this.#context.frameBase(), reader.bigLeb(true)));
      case OP.callFrameCfa:
        return this.#push(this.#context.callFrameAddress());
      case OP.deref:
        return this.#push(memory(this.#pop(), 8));
      case OP.derefSize:
        return this.#push(memory(this.#pop(), sizeOf(reader.u8())));
      case OP.plusUconst:
        return this.#push(plus(this.#pop(), reader.bigLeb(false)));
      case OP.stackValue:
        this.#location = { kind: 'value', term: this.#pop() };
        return;
      case OP.implicitValue:
        this.#location = { kind: 'bytes', bytes: reader.block(reader.uleb()) };
        return;
      case OP.implicitPointer:
      case OP.gnuImplicitPointer:
        this.#location = this.#implicitPointer();
        return;
      case OP.entryValue:
      case OP.gnuEntryValue:
        return this.#push(this.#entryValue(reader.block(reader.uleb())));
      case OP.nop:
        return;
      default:
        return this.#stepStack(op);
    }
  }

  #stepStack(op: number): void {
    const reader = this.#reader;
    switch (op) {
      case OP.dup:
        return this.#push(this.#peek(0));
      case OP.drop:
        this.#pop();
        return;
      case OP.over:
        return this.#push(this.#peek(1));
      case OP.pick:
        return this.#push(this.#peek(reader.u8()));
      case OP.swap: {
        const [top, next] = [this.#pop(), this.#pop()];
        this.#push(top);
        return this.#push(next);
      }
      case OP.rot: {
        const [first, second, third] = [this.#pop(), this.#pop(), this.#pop()];
        this.#push(first);
        this.#push(third);
        return this.#push(second);
      }
      case OP.neg:
        return this.#push(binary('-', constant(0), this.#pop()));
      case OP.not:
        return this.#push(binary('^', this.#pop(), constant(-1)));
      case OP.convert:
      case OP.gnuConvert:
      case OP.reinterpret:
      case OP.gnuReinterpret:
        return this.#convert(reader.uleb());
      case OP.regvalType:
      case OP.gnuRegvalType: {
        this.#push(register(reader.uleb()));
        return this.#convert(reader.uleb());
      }
      case OP.constType:
      case OP.gnuConstType:
        return this.#typedConstant();
      case OP.derefType:
      case OP.gnuDerefType: {
        this.#push(memory(this.#pop(), sizeOf(reader.u8())));
        return this.#convert(reader.uleb());
      }
      default:
        throw unsupported(ops.get(op) ?? `operation 0x${op.toString(16)}`);
    }
  }

  #readConstant(op: number): bigint {
    const reader = this.#reader;
    switch (op) {
      case OP.const1u:
        return BigInt(reader.u8());
      case OP.const1s:
        return BigInt(reader.i8());
      case OP.const2u:
        return BigInt(reader.u16());
      case OP.const2s:
        return BigInt.asIntN(16, BigInt(reader.u16()));
      case OP.const4u:
        return BigInt(reader.u32());
      case OP.const4s:
        return BigInt.asIntN(32, BigInt(reader.u32()));
      case OP.constu:
        return reader.bigLeb(false);
      case OP.consts:
        return reader.bigLeb(true);
      default:
        return reader.big64();
    }
  }

  #binary(operator: BinaryOperator): void {
    const right = this.#pop();
    this.#push(binary(operator, this.#pop(), right));
  }

  /** `>` and `>=` are the others with their sides exchanged. */
  #compare([operator, exchanged]: [BinaryOperator, boolean]): void {
    const right = this.#pop();
    const left = this.#pop();
    this.#push(exchanged ? binary(operator, right, left) : binary(operator, left, right));
  }

  /** The value of a register at the function's entry: DW_OP_entry_value of DW_OP_regN, or DW_OP_bregN 0. */
  #entryValue(block: Uint8Array): Term {
    const inner = evaluateLocation(block, this.#context);
    if (inner.kind === 'register') return { op: 'entry', register: inner.register };
    if (inner.kind === 'memory') return atEntry(inner.address);
    throw unsupported('a value at entry that is no register (DW_OP_entry_value)');
  }

  #implicitPointer(): Location {
    const { unit } = this.#context;
    const offset = this.#reader.offset(unit.version === 2 ? unit.addressSize === 8 : unit.is64);
    const die = unit.file.dieAt(offset);
    const offsetBytes = this.#reader.sleb();
    return die === undefined ? { kind: 'none' } : { kind: 'implicit-pointer', die, offsetBytes };
  }

  /** To the base type at `offset` of the unit, 0 for the generic type of 64 bits. */
  #convert(offset: number): void {
    if (offset === 0) return;
    const type = this.#baseType(offset);
    this.#push(extend(this.#pop(), type.bits, type.signed));
  }

  #typedConstant(): void {
    const type = this.#baseType(this.#reader.uleb());
    const bytes = this.#reader.block(this.#reader.u8());
    let value = 0n;
    for (let index = Math.min(8, bytes.length) - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(bytes[index] ?? 0);
    this.#push(extend(constant(value), type.bits, type.signed));
  }

  #baseType(offset: number): { bits: number; signed: boolean } {
    const { unit } = this.#context;
    const die = unit.file.dieAt(unit.offset + offset);
    const bits = (die?.number(attributes.byteSize) ?? 8) * 8;
    const encoding = die?.number(attributes.encoding);
    // DW_ATE_complex_float, DW_ATE_float.
    if (encoding === 3 || encoding === 4 || bits > 64)
      throw unsupported('arithmetic on floating point numbers');
    // DW_ATE_signed, DW_ATE_signed_char.
    return { bits, signed: encoding === 5 || encoding === 6 };
  }

  #push(term: Term): void {
    if (this.#stack.length > 256) throw unsupported('an expression with more than 256 values');
    this.#stack.push(term);
  }

  #pop(): Term {
    const term = this.#stack.pop();
    return term ?? this.#reader.fail('an expression that takes more than it has');
  }

  #peek(depth: number): Term {
    const term = this.#stack.at(-1 - depth);
    return term ?? this.#reader.fail('an expression that takes more than it has');
  }
}

const arithmetic: Readonly<Record<number, BinaryOperator>> = {
  [OP.and]: '&',
  [OP.div]: '/',
  [OP.minus]: '-',
  [OP.mod]: 'u%',
  [OP.mul]: '*',
  [OP.or]: '|',
  [OP.plus]: '+',
  [OP.shl]: '<<',
  [OP.shr]: 'u>>',
  [OP.shra]: '>>',
  [OP.xor]: '^',
  [OP.eq]: '==',
  [OP.ne]: '!=',
};

const comparison: Readonly<Record<number, [BinaryOperator, exchanged: boolean]>> = {
  [OP.lt]: ['<', false],
  [OP.le]: ['<=', false],
  [OP.gt]: ['<', true],
  [OP.ge]: ['<=', true],
};

/** The same term with each register as it was at entry. */
function atEntry(term: Term): Term {
  switch (term.op) {
    case 'register':
      return { op: 'entry', register: term.register };
    case 'binary':
      return binary(term.operator, atEntry(term.left), atEntry(term.right));
    case 'extend':
      return extend(atEntry(term.term), term.bits, term.signed);
    case 'memory':
      throw unsupported('memory as it was at entry (DW_OP_entry_value)');
    default:
      return term;
  }
}

function sizeOf(bytes: number): 1 | 2 | 4 | 8 {
  if (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) return bytes;
  throw unsupported(`memory of ${bytes} bytes at once`);
}

function unsupported(what: string): ProbeError {
  return new ProbeError({
    code: 'expression-unsupported',
    message: `Its place is described by ${what}, which a probe cannot follow.`,
    remedy: 'Ask for it at another line, or for one of its members.',
  });
}
