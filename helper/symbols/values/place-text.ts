import type { Machine } from '../elf/header.ts';
import type { Location } from './location.ts';
import { registerName } from './registers.ts';
import { signed, type Term } from './term.ts';

/**
 * A location in the assembler's spelling: `in %rdi`, `at -20(%rsp)`, `at 0x4040`, and of what is computed its value, `= %rdi + 1`.
 * On aarch64 as its assembler has it, `in x0`, `at [sp, #8]`.
 */
export function placeText(location: Location, machine: Machine): string {
  switch (location.kind) {
    case 'register':
      return `in ${registerText(location.register, machine)}`;
    case 'memory':
      return `at ${addressText(location.address, machine)}`;
    case 'value':
      return `= ${termText(location.term, machine)}`;
    case 'bytes':
      return `= 0x${Buffer.from(location.bytes).reverse().toString('hex')}`;
    case 'pieces':
      return location.pieces
        .map(({ location: part, sizeBytes }) => `${sizeBytes} bytes ${placeText(part, machine)}`)
        .join(', ');
    case 'implicit-pointer':
      return 'optimised out, but what it points to is known';
    case 'none':
      return 'optimised out';
  }
}

function registerText(number: number, machine: Machine): string {
  const name = registerName(machine, number);
  return machine.startsWith('x86') && !name.includes(' ') ? `%${name}` : name;
}

function addressText(term: Term, machine: Machine): string {
  const isBased = term.op === 'binary' && term.operator === '+' && term.right.op === 'constant';
  const base = isBased ? term.left : term;
  if (base.op !== 'register') return termText(term, machine);
  const register = registerText(base.register, machine);
  const offset = isBased && term.right.op === 'constant' ? String(signed(term.right.value)) : '';
  if (machine === 'aarch64') return offset === '' ? `[${register}]` : `[${register}, #${offset}]`;
  return `${offset}(${register})`;
}

/** Unsigned variants of operators carry a `u` of their own, which C has not. */
function termText(term: Term, machine: Machine): string {
  switch (term.op) {
    case 'register':
      return registerText(term.register, machine);
    case 'constant':
      return String(signed(term.value));
    case 'image':
      return `0x${term.vaddr.toString(16)}`;
    case 'memory':
      return `*(u${term.bytes * 8} *)(${termText(term.address, machine)})`;
    case 'entry':
      return `${registerText(term.register, machine)} at entry`;
    case 'extend':
      return `(${term.signed ? 's' : 'u'}${term.bits})${operandText(term.term, machine)}`;
    case 'binary': {
      const { operator, left, right } = term;
      if (operator === '+' && right.op === 'constant' && signed(right.value) < 0n)
        return `${operandText(left, machine)} - ${-signed(right.value)}`;
      return `${operandText(left, machine)} ${operator.replace('u', '')} ${operandText(right, machine)}`;
    }
  }
}

function operandText(term: Term, machine: Machine): string {
  const text = termText(term, machine);
  return term.op === 'binary' || term.op === 'entry' ? `(${text})` : text;
}
