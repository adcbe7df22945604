import { ProbeError } from '../../../protocol/errors.ts';
import { attributes } from '../dwarf/constants.ts';
import type { Die } from '../dwarf/die.ts';
import { locationsOf } from '../dwarf/lists.ts';
import type { ElfFile } from '../elf.ts';
import { frameRuleAt } from './frame.ts';
import { evaluateLocation, type ExpressionContext, type Location } from './location.ts';
import { plus, register, type Term } from './term.ts';

/** What is needed to make sense of location expressions at one address. */
export interface AddressContext {
  /** The program; `.eh_frame` is there even when debug information is in another file. */
  readonly elf: ElfFile;
  readonly debug: ElfFile;
  readonly pc: number;
  /** The function with code of its own around `pc`, not an inlined one: it has the frame base. */
  readonly functionDie: Die;
}

/** For expressions of the unit that `die` is in. CFA and frame base are worked out when an expression asks for them. */
export function expressionContext(context: AddressContext, die: Die): ExpressionContext {
  let cfa: Term | undefined;
  const callFrameAddress = (): Term => (cfa ??= callFrameAddressAt(context));
  const frameBase = (): Term => {
    const range = locationsOf(context.functionDie, attributes.frameBase).find(
      ({ low, high }) => context.pc >= low && context.pc < high,
    );
    if (range === undefined) throw missing('The function has no frame base here.');
    const inner = { unit: context.functionDie.unit, callFrameAddress, frameBase: () => noBase() };
    return addressOrRegister(evaluateLocation(range.expression, inner));
  };
  return { unit: die.unit, frameBase, callFrameAddress };
}

export function callFrameAddressAt(context: AddressContext): Term {
  const rule = frameRuleAt(context.elf, context.pc, context.debug);
  if (rule === undefined)
    throw missing('No call frame information (.eh_frame, .debug_frame) describes this address.');
  if (rule.kind === 'register') return plus(register(rule.register), rule.offset);
  const inner = { unit: context.functionDie.unit, callFrameAddress: noBase, frameBase: noBase };
  return addressOrRegister(evaluateLocation(rule.expression, inner));
}

function noBase(): never {
  throw missing('The frame base is described by itself.');
}

/** A frame base of `DW_OP_reg6` means the register's contents (DWARF 5 section 3.3.5). */
function addressOrRegister(location: Location): Term {
  if (location.kind === 'register') return register(location.register);
  if (location.kind === 'memory') return location.address;
  if (location.kind === 'value') return location.term;
  throw missing('The frame base is no address.');
}

function missing(message: string): ProbeError {
  return new ProbeError({
    code: 'expression-unsupported',
    message,
    remedy: 'Ask for a variable that is in a register, or rebuild with -g and unwind tables.',
  });
}
