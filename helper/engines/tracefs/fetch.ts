import { ProbeError } from '../../../protocol/errors.ts';
import type { Machine } from '../../symbols/elf/header.ts';
import { kernelRegister, registerName, stackPointer } from '../../symbols/values/registers.ts';
import { calculate, extended, signed, type Term } from '../../symbols/values/term.ts';
import {
  formatFetch,
  formatStored,
  MAX_ARRAY_ELEMENTS,
  type Fetch,
  type FetchArgument,
  type Stored,
} from './definition.ts';
import type { RawValue } from './record.ts';

/** What is known about one hit when its values are computed. */
export interface Hit {
  /** The record's values, in the order of {@link FetchPlan.arguments}. */
  readonly values: readonly RawValue[];
  /** Address of the probe in the process minus its virtual address in the file. */
  readonly biasBytes: bigint;
  /** Registers at the function's entry, by DWARF number, when an entry was recorded for this call. */
  readonly entry?: ReadonlyMap<number, bigint>;
  /** Whether the process has memory there; undefined when that cannot be told any more. */
  readonly isMapped: (address: bigint) => boolean | undefined;
}

/** Computes a value from a hit; undefined when the program's memory could not be read. */
export type Evaluate<T> = (hit: Hit) => T | undefined;

/** Where the probe sits: addresses of the image are told to the kernel relative to it. */
export interface ProbePlace {
  readonly vaddr: number;
  readonly fileOffsetBytes: number;
}

/** Most bytes that are fetched of one text or array: 64 words of the kernel's longest array. */
export const MOST_BYTES = MAX_ARRAY_ELEMENTS * 8;

/**
 * Collects what the kernel must fetch so that terms can be computed at each hit.
 *
 * A failed read behind a failed read leaves stale bytes in the kernel's buffer, so that its value cannot be told from a
 * real one (measured on 6.18). A failed *last* read leaves zeros (copy_from_user). Hence each pointer on the way is
 * fetched as a value of its own: where one is 0, nothing behind it is believed; where the last value is 0, the process's
 * map of memory decides whether it is a zero or nothing.
 */
export class FetchPlan {
  readonly arguments: FetchArgument[] = [];
  /** Registers whose value at the function's entry is needed. */
  readonly entryRegisters = new Set<number>();
  readonly #machine: Machine;
  readonly #place: ProbePlace;
  readonly #known = new Map<string, number>();

  readonly #atEntry: boolean;

  /** `atEntry`: the place is the function's first instruction, where registers still are what they were at entry. */
  constructor(machine: Machine, place: ProbePlace, atEntry = false) {
    this.#machine = machine;
    this.#place = place;
    this.#atEntry = atEntry;
  }

  /** The value of a term in 64 bits, unsigned. Throws `expression-unsupported` when neither the kernel nor we can have it. */
  number(term: Term): Evaluate<bigint> {
    switch (term.op) {
      case 'constant':
        return () => term.value;
      case 'register':
        return this.#register(term.register);
      case 'image':
        return ({ biasBytes }) => BigInt.asUintN(64, biasBytes + BigInt(term.vaddr));
      case 'entry':
        if (this.#atEntry) return this.#register(term.register);
        this.#generalRegister(term.register);
        this.entryRegisters.add(term.register);
        return ({ entry }) => entry?.get(term.register);
      case 'extend': {
        const inner = this.number(term.term);
        return (hit) => {
          const value = inner(hit);
          return value === undefined ? undefined : extended(value, term.bits, term.signed);
        };
      }
      case 'binary': {
        const [left, right] = [this.number(term.left), this.number(term.right)];
        return (hit) => {
          const [a, b] = [left(hit), right(hit)];
          return a === undefined || b === undefined ? undefined : calculate(term.operator, a, b);
        };
      }
      case 'memory':
        return this.#memory(term.address, term.bytes);
    }
  }

  /** NUL-terminated text at an address. */
  text(address: Term): Evaluate<Buffer> {
    const index = this.#add(this.#fetchAt(address), { as: 'string' });
    return ({ values }) => {
      const value = values[index];
      return Buffer.isBuffer(value) ? value : undefined;
    };
  }

  /** `count` bytes at an address, at most {@link MOST_BYTES}. */
  bytes(address: Term, count: number): Evaluate<Buffer> {
    if (count <= 0) return () => Buffer.alloc(0);
    const words = Math.min(MAX_ARRAY_ELEMENTS, Math.ceil(count / 8));
    const index = this.#add(this.#fetchAt(address), { as: 'integer', bytes: 8, elements: words });
    const readable = this.#readable(address);
    return (hit) => {
      const value = hit.values[index];
      if (!Array.isArray(value)) return undefined;
      const bytes = Buffer.alloc(words * 8);
      (value as readonly bigint[]).forEach((word, at) =>
        bytes.writeBigUInt64LE(BigInt.asUintN(64, word), at * 8),
      );
      const used = bytes.subarray(0, count);
      return readable(
        hit,
        used.every((byte) => byte === 0),
      )
        ? used
        : undefined;
    };
  }

  /** Index of the argument that holds a term as it is, for the kernel's filter; undefined when it must be computed. */
  argumentOf(term: Term): number | undefined {
    if (term.op === 'extend') {
      const bytes = term.bits / 8;
      if (!(bytes === 1 || bytes === 2 || bytes === 4)) return undefined;
      if (term.term.op === 'memory' && term.term.bytes !== bytes) return undefined;
      const fetch = this.#kernelFetch(term.term);
      return fetch && this.#add(fetch, { as: 'integer', bytes, signed: term.signed });
    }
    const fetch = this.#kernelFetch(term);
    if (fetch === undefined) return undefined;
    return this.#add(fetch, { as: 'integer', bytes: term.op === 'memory' ? term.bytes : 8 });
  }

  #register(number: number): Evaluate<bigint> {
    return integerAt(
      this.#add({ op: 'register', name: this.#generalRegister(number) }, { as: 'integer', bytes: 8 }),
    );
  }

  #memory(address: Term, bytes: 1 | 2 | 4 | 8): Evaluate<bigint> {
    const value = integerAt(this.#add(this.#fetchAt(address), { as: 'integer', bytes }));
    const readable = this.#readable(address);
    return (hit) => {
      const read = value(hit);
      return read !== undefined && readable(hit, read === 0n) ? read : undefined;
    };
  }

  /** Whether what was read at `address` may be believed; see the class's comment. */
  #readable(address: Term): (hit: Hit, isZero: boolean) => boolean {
    const { base, offset } = split(address);
    if (base.op === 'image' || isStack(base, this.#machine)) return () => true;
    const pointer = this.number(base);
    return (hit, isZero) => {
      const value = pointer(hit);
      if (value === undefined || value === 0n) return false;
      return !isZero || hit.isMapped(BigInt.asUintN(64, value + BigInt(offset))) !== false;
    };
  }

  /** The kernel's spelling of the memory at an address. */
  #fetchAt(address: Term): Fetch {
    const fetch = this.#kernelMemory(address);
    if (fetch !== undefined) return fetch;
    throw new ProbeError({
      code: 'expression-unsupported',
      message: 'Its address must be computed from several values, which the kernel cannot do at a hit.',
      remedy: 'Use a constant index, or ask for the parts one by one.',
    });
  }

  #kernelMemory(address: Term): Fetch | undefined {
    const { base, offset } = split(address);
    if (base.op === 'image')
      return {
        op: 'image',
        fileOffsetBytes: base.vaddr + offset - this.#place.vaddr + this.#place.fileOffsetBytes,
      };
    const fetch = this.#kernelFetch(base);
    // In between the kernel follows whole pointers only.
    if (fetch === undefined || (base.op === 'memory' && base.bytes !== 8)) return undefined;
    return { op: 'memory', base: fetch, offsetBytes: offset };
  }

  #kernelFetch(term: Term): Fetch | undefined {
    if (term.op === 'register') return { op: 'register', name: this.#generalRegister(term.register) };
    return term.op === 'memory' ? this.#kernelMemory(term.address) : undefined;
  }

  #generalRegister(number: number): string {
    const name = kernelRegister(this.#machine, number);
    if (name !== undefined) return name;
    throw new ProbeError({
      code: 'expression-unsupported',
      message: `It is in ${registerName(this.#machine, number)}, and the kernel gives a probe the general registers only.`,
      remedy: 'Ask for it at a line where it is in memory, or for an integer that it was computed from.',
    });
  }

  #add(fetch: Fetch, stored: Stored): number {
    const key = `${formatFetch(fetch)}:${formatStored(stored)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.arguments.length;
    this.arguments.push({ name: `v${index}`, fetch, stored });
    this.#known.set(key, index);
    return index;
  }
}

function integerAt(index: number): Evaluate<bigint> {
  return ({ values }) => {
    const value = values[index];
    return typeof value === 'bigint' ? BigInt.asUintN(64, value) : undefined;
  };
}

/** `base + constant`. */
function split(address: Term): { base: Term; offset: number } {
  if (address.op === 'binary' && address.operator === '+' && address.right.op === 'constant')
    return { base: address.left, offset: Number(signed(address.right.value)) };
  return { base: address, offset: 0 };
}

function isStack(base: Term, machine: Machine): boolean {
  return base.op === 'register' && base.register === stackPointer(machine);
}
