import type { EventField, FieldDisplay } from '../../../protocol/events.ts';
import type { Fetch, FetchArgument } from '../../engines/tracefs/definition.ts';
import type { DebugInfo } from '../../symbols/debug-info.ts';
import { stripped, typeOf, type Type } from '../../symbols/dwarf/types.ts';
import { attributes } from '../../symbols/dwarf/constants.ts';
import type { Die } from '../../symbols/dwarf/die.ts';
import type { ScopeAt, Variable } from '../../symbols/model.ts';
import { expressionContext, type AddressContext } from '../../symbols/values/frame-base.ts';
import { evaluateLocation, type Location } from '../../symbols/values/location.ts';
import { kernelRegister, registerName, stackPointer } from '../../symbols/values/registers.ts';
import type { Term } from '../../symbols/values/term.ts';

/** DWARF numbers of the registers that hold integers and pointers at a call, in order (System V AMD64 psABI 3.2.3, AAPCS64 6.8). */
const argumentRegisters = { 'x86-64': [5, 4, 1, 2, 8, 9], aarch64: [0, 1, 2, 3, 4, 5, 6, 7] } as const;

/** Columns that every event has, or that its return adds. */
const taken = new Set(['time', 'event', 'cpu', 'pid', 'tid', 'comm', 'ret', 'duration']);

/** A parameter as it can be recorded at the function's entry. */
export interface RecordedArgument {
  readonly field: EventField;
  readonly fetch: FetchArgument;
  /** Which of bpftrace's `argN` it is, where it is one; `text` for the text at that address. */
  readonly place?: number;
}

export interface FunctionArguments {
  readonly arguments: readonly RecordedArgument[];
  /** How the result is shown; undefined where there is none. */
  readonly result?: FieldDisplay;
  /** What cannot be recorded and why, in full sentences. */
  readonly notes: readonly string[];
}

/**
 * The parameters of the function that begins at an address, as its debug information types them. Where they are is read from it too when
 * it says so for the entry; unoptimised code is described as it is behind its prologue, and is taken by the calling convention.
 */
export function functionArguments(debug: DebugInfo, vaddr: number): FunctionArguments {
  const scope = debug.scopesAt(vaddr).at(-1);
  if (scope === undefined)
    return {
      arguments: [],
      notes: ['There is no debug information of it (compile with -g), so its arguments are not known.'],
    };
  const places = new Places(debug, vaddr, scope);
  const recorded: RecordedArgument[] = [];
  const notes: string[] = [];
  const names = new Set(taken);
  for (const [index, variable] of scope.variables.filter(({ kind }) => kind === 'parameter').entries()) {
    const type = stripped(variable.type());
    const name = freshName(names, variable.name === '' ? `arg${index}` : variable.name);
    const place = places.next(variable, type);
    if (typeof place === 'string')
      notes.push(`The argument ${variable.name} (${variable.type().name}) is not recorded: ${place}.`);
    else recorded.push(...argumentsOf(name, variable.type(), type, place, names));
  }
  const result = stripped(typeOf(scope.die));
  return {
    arguments: recorded,
    notes,
    ...(isWord(result) ? { result: displayOf(result) } : {}),
  };
}

interface Place {
  readonly fetch: Fetch;
  readonly argument?: number;
}

/** Goes through the parameters in order, for each uses up what it is passed in. */
class Places {
  readonly #address: AddressContext;
  readonly #machine: DebugInfo['elf']['header']['machine'];
  readonly #order: readonly number[];
  #used = 0;
  /** Why the convention does not tell any more where what follows is. */
  #lost: string | undefined;

  constructor(debug: DebugInfo, pc: number, { die }: ScopeAt) {
    this.#machine = debug.elf.header.machine;
    this.#address = { elf: debug.elf, debug: debug.dwarf?.elf ?? debug.elf, pc, functionDie: die };
    this.#order =
      this.#machine === 'x86-64' || this.#machine === 'aarch64' ? argumentRegisters[this.#machine] : [];
    if (this.#machine === 'x86-64' && isAggregate(stripped(typeOf(die))))
      this.#lost = 'the function returns a structure, which moves its arguments';
  }

  /** Where it is, or why it cannot be read. */
  next({ die, locations }: Variable, type: Type): Place | string {
    const described = this.#described(die, locations());
    if (isAggregate(type)) {
      this.#lost ??= 'a structure before it is passed by value';
      return 'it is a structure that is passed by value';
    }
    if (!isWord(type)) return 'it is no integer, and the kernel reads no vector registers';
    const argument = this.#used++;
    if (described?.kind === 'register') {
      const name = kernelRegister(this.#machine, described.register);
      if (name === undefined) return `it is in ${registerName(this.#machine, described.register)}`;
      const own = this.#order.indexOf(described.register);
      return { fetch: { op: 'register', name }, ...(own < 0 ? {} : { argument: own }) };
    }
    if (described?.kind === 'memory') {
      const offsetBytes = this.#onStack(described.address);
      // what lies below the return address is not written yet at the entry
      if (offsetBytes !== undefined && offsetBytes > 0) {
        const base: Fetch = {
          op: 'register',
          name: kernelRegister(this.#machine, stackPointer(this.#machine)) ?? 'sp',
        };
        return { fetch: { op: 'memory', base, offsetBytes } };
      }
    }
    if (described !== undefined && described.kind !== 'memory') return 'the compiler optimised it out';
    if (this.#lost !== undefined) return this.#lost;
    const register = this.#order[argument];
    const name = register === undefined ? undefined : kernelRegister(this.#machine, register);
    return name === undefined ? 'it is passed on the stack' : { fetch: { op: 'register', name }, argument };
  }

  #described(die: Die, locations: ReturnType<Variable['locations']>): Location | undefined {
    const { pc } = this.#address;
    // a parameter without any place is used nowhere; the caller may not even pass it
    if (locations.length === 0) return die.has(attributes.constValue) ? undefined : { kind: 'none' };
    const here = locations.find(({ low, high }) => low <= pc && pc < high);
    if (here === undefined) return undefined;
    try {
      return evaluateLocation(here.expression, expressionContext(this.#address, die));
    } catch {
      return undefined;
    }
  }

  #onStack(address: Term): number | undefined {
    if (address.op !== 'binary' || address.operator !== '+') return undefined;
    const { left, right } = address;
    if (left.op !== 'register' || left.register !== stackPointer(this.#machine)) return undefined;
    return right.op === 'constant' ? Number(BigInt.asIntN(64, right.value)) : undefined;
  }
}

const isAggregate = ({ kind }: Type): boolean => kind === 'struct' || kind === 'class' || kind === 'union';

/** Fits a general register. */
function isWord(type: Type): boolean {
  switch (type.kind) {
    case 'pointer':
    case 'reference':
    case 'rvalue-reference':
      return true;
    case 'enum':
      return sizeOf(type) <= 8;
    case 'base':
      return ![0, 16].includes(sizeOf(type)) && type.encoding !== 'float' && type.encoding !== 'complex';
    default:
      return false;
  }
}

const sizeOf = (type: Type): number => (type.kind === 'base' || type.kind === 'enum' ? type.sizeBytes : 8);

function isSigned(type: Type): boolean {
  if (type.kind === 'enum') return isSigned(stripped(type.underlying()));
  return type.kind === 'base' && (type.encoding === 'signed' || type.encoding === 'signed-char');
}

function displayOf(type: Type): FieldDisplay {
  switch (type.kind) {
    case 'enum':
      return {
        as: 'enum',
        values: type.enumerators().map(({ name, value }) => ({ name, value: Number(value) })),
      };
    case 'base':
      return { as: type.encoding === 'boolean' ? 'boolean' : 'number' };
    default:
      return { as: 'hex' };
  }
}

function argumentsOf(
  name: string,
  declared: Type,
  type: Type,
  { fetch, argument }: Place,
  names: Set<string>,
): RecordedArgument[] {
  const sizeBytes = sizeOf(type);
  const bytes = sizeBytes > 4 ? 8 : sizeBytes > 2 ? 4 : sizeBytes === 2 ? 2 : 1;
  const signed = isSigned(type);
  const place = argument === undefined ? {} : { place: argument };
  const text = isText(type);
  // the text is what people look for: it takes the name
  const own = text ? freshName(names, `${name}_ptr`) : name;
  const value: RecordedArgument = {
    field: {
      name: own,
      type: declared.name,
      sizeBytes: bytes,
      signed,
      column: bytes === 8 ? (signed ? 'i64' : 'u64') : signed ? 'i32' : 'u32',
      display: displayOf(type),
    },
    fetch: { name: own, fetch, stored: { as: 'integer', bytes, signed } },
    ...place,
  };
  if (!text) return [value];
  return [
    {
      field: {
        name,
        type: '__data_loc char[]',
        sizeBytes: 4,
        signed: false,
        column: 'text',
        display: { as: 'text' },
        meaning: `the text that ${own} points to, empty where it cannot be read`,
      },
      fetch: { name, fetch: { op: 'memory', base: fetch, offsetBytes: 0 }, stored: { as: 'string' } },
      ...place,
    },
    value,
  ];
}

function isText(type: Type): boolean {
  if (type.kind !== 'pointer') return false;
  const target = stripped(type.target());
  return (
    target.kind === 'base' &&
    target.sizeBytes === 1 &&
    (target.encoding === 'signed-char' || target.encoding === 'unsigned-char')
  );
}

/** A name that the kernel takes and that no column has. */
function freshName(names: Set<string>, wanted: string): string {
  const clean =
    wanted
      .replace(/\W/g, '_')
      .replace(/^(?=\d)/, '_')
      .slice(0, 28) || '_';
  let name = clean.startsWith('common_') ? `_${clean}` : clean;
  while (names.has(name)) name += '_';
  names.add(name);
  return name;
}
