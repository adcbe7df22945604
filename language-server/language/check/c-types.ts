import type { Member } from '../../../protocol/catalog.ts';
import type { KnownCatalog } from '../known-catalog.ts';
import { parseMembers } from '../../../protocol/catalog.ts';
import type { CDefinition, CField, Program } from '../syntax/ast.ts';
import {
  integer,
  int64,
  pointer,
  string,
  uint64,
  unknown,
  voidType,
  type IntegerBits,
  type Type,
} from './types.ts';

export interface StructField {
  readonly name: string;
  readonly type: Type;
  /** Bytes from the struct's start; undefined where the layout is not ours to know. */
  readonly offsetBytes?: number;
}
export interface StructDefinition {
  readonly fields: ReadonlyMap<string, StructField>;
  readonly sizeBytes?: number;
}

const words: Readonly<Record<string, readonly [IntegerBits, boolean]>> = {
  char: [8, true],
  'signed char': [8, true],
  'unsigned char': [8, false],
  short: [16, true],
  'short int': [16, true],
  'unsigned short': [16, false],
  int: [32, true],
  unsigned: [32, false],
  'unsigned int': [32, false],
  signed: [32, true],
  long: [64, true],
  'long int': [64, true],
  'unsigned long': [64, false],
  'long unsigned int': [64, false],
  'long long': [64, true],
  'long long int': [64, true],
  'unsigned long long': [64, false],
  'long long unsigned int': [64, false],
  'short unsigned int': [16, false],
  bool: [8, false],
  _Bool: [8, false],
  size_t: [64, false],
  ssize_t: [64, true],
  pid_t: [32, true],
  uid_t: [32, false],
  gid_t: [32, false],
  dev_t: [32, false],
  loff_t: [64, true],
  time_t: [64, true],
  uintptr_t: [64, false],
  intptr_t: [64, true],
};

/** Integers by the names that C and the kernel give them; undefined for any other type. */
export function cInteger(name: string): Type | undefined {
  const known = Object.hasOwn(words, name) ? words[name] : undefined;
  if (known !== undefined) return integer(known[0], known[1]);
  const sized = /^(?:__)?(u|s|be|le)(8|16|32|64)$|^(u?)int(8|16|32|64)(?:_t)?$/.exec(name);
  if (sized === null) return undefined;
  const bits = Number(sized[2] ?? sized[4]) as IntegerBits;
  return integer(bits, sized[1] === undefined ? sized[3] === '' : sized[1] === 's');
}

/** Enum constants, struct layouts and macros that a script brings itself or gets from the catalog. */
export class CTypes {
  private readonly own = new Map<string, CDefinition>();
  private readonly resolved = new Map<string, StructDefinition | undefined>();
  private readonly resolving = new Set<string>();
  private catalogConstants: Map<string, { enumName: string; value: bigint }> | undefined;
  /** Constant → its enum and value, of the script's own enums. */
  readonly constants = new Map<string, { readonly enumName: string; readonly value: bigint }>();
  readonly enums = new Map<string, ReadonlySet<bigint>>();
  /** A header is included: names that we do not know may come from it. */
  readonly includes: boolean;
  /** Macro → its text. */
  readonly macros = new Map<string, string>();
  private readonly catalog: KnownCatalog | undefined;

  constructor(program: Program, catalog: KnownCatalog | undefined) {
    this.catalog = catalog;
    let includes = false;
    for (const item of program.items) {
      if (item.kind === 'preprocessor') {
        if (item.directive === 'include') includes = true;
        else if (item.directive === 'define' && item.macro !== undefined)
          this.define(item.macro.text, item.text);
      } else if (item.kind === 'c-definition') this.add(item);
    }
    this.includes = includes;
  }

  private define(name: string, text: string): void {
    const body = text
      .slice(text.indexOf(name) + name.length)
      .replace(/\\\r?\n/g, ' ')
      .trim();
    this.macros.set(name, body);
  }

  private add(definition: CDefinition): void {
    if (definition.keyword === 'enum') {
      const enumName = definition.name?.text ?? '';
      const values = new Set<bigint>();
      let next = 0n;
      for (const constant of definition.constants) {
        const value = constant.value ?? next;
        next = value + 1n;
        values.add(value);
        this.constants.set(constant.text, { enumName, value });
      }
      if (enumName !== '') this.enums.set(enumName, values);
      return;
    }
    if (definition.name !== undefined)
      this.own.set(`${definition.keyword} ${definition.name.text}`, definition);
    for (const field of definition.fields) this.addNested(field);
  }

  /** A struct defined inside another one has a name of its own: `struct Foo { struct Bar { int a; } bar; }`. */
  private addNested(field: CField): void {
    if (field.nested === undefined) return;
    const name = /^(struct|union)\s+([A-Za-z_]\w*)/.exec(field.typeText);
    if (name !== null) {
      const key = `${name[1]} ${name[2]}`;
      if (!this.own.has(key))
        this.own.set(key, {
          kind: 'c-definition',
          start: field.start,
          end: field.end,
          keyword: name[1] as 'struct' | 'union',
          fields: field.nested,
          constants: [],
        });
    }
    for (const inner of field.nested) this.addNested(inner);
  }

  constant(name: string): { readonly enumName: string; readonly value: bigint } | undefined {
    const own = this.constants.get(name);
    if (own !== undefined || this.catalog === undefined) return own;
    if (this.catalogConstants === undefined) {
      this.catalogConstants = new Map();
      for (const [enumName, constants] of Object.entries(this.catalog.enums))
        for (const [constant, value] of Object.entries(constants))
          this.catalogConstants.set(constant, {
            enumName,
            value: /^-?\d+$/.test(value) ? BigInt(value) : 0n,
          });
    }
    return this.catalogConstants.get(name);
  }

  /** All names of structs and unions that are known here, for suggestions. */
  *structNames(): Iterable<string> {
    yield* this.own.keys();
  }

  isOwn(name: string): boolean {
    return this.own.has(name);
  }

  /** `own`: defined by the script or in the catalog. `maybe`: the kernel or a header may have it. `no`: nobody has. */
  knows(name: string): 'own' | 'maybe' | 'no' {
    if (this.own.has(name)) return 'own';
    if (this.catalog === undefined || this.includes) return 'maybe';
    if (Object.hasOwn(this.catalog.structs, name)) return 'own';
    return name.startsWith('enum ') && Object.hasOwn(this.catalog.enums, name.slice(5)) ? 'own' : 'no';
  }

  /** The members of `struct x`, or undefined when they are not known here. */
  struct(name: string): StructDefinition | undefined {
    if (this.resolved.has(name)) return this.resolved.get(name);
    if (this.resolving.has(name)) return undefined;
    this.resolving.add(name);
    const definition = this.fromScript(name) ?? this.fromCatalog(name);
    this.resolving.delete(name);
    this.resolved.set(name, definition);
    return definition;
  }

  private fromScript(name: string): StructDefinition | undefined {
    const definition = this.own.get(name);
    if (definition === undefined) return undefined;
    const fields = new Map<string, StructField>();
    this.collect(definition.fields, fields);
    return { fields };
  }

  private collect(fields: readonly CField[], into: Map<string, StructField>): void {
    for (const field of fields) {
      if (field.name === undefined) {
        if (field.nested !== undefined) this.collect(field.nested, into);
        continue;
      }
      into.set(field.name.text, { name: field.name.text, type: this.fieldType(field) });
    }
  }

  private fieldType(field: CField): Type {
    let type: Type;
    if (field.nested !== undefined) {
      const name = /^(struct|union)\s+([A-Za-z_]\w*)/.exec(field.typeText);
      if (name !== null) type = { kind: 'struct', name: `${name[1]} ${name[2]}` };
      else type = this.anonymous(field);
    } else type = this.parse(field.typeText.replace(/\*/g, ' '));
    for (let level = 0; level < field.pointers; level++) type = pointer(type);
    return this.arrays(type, field.arraySizes, field.pointers > 0);
  }

  private anonymousCount = 0;
  private anonymous(field: CField): Type {
    const name = `struct (anonymous ${++this.anonymousCount})`;
    this.own.set(name, {
      kind: 'c-definition',
      start: field.start,
      end: field.end,
      keyword: 'struct',
      fields: field.nested ?? [],
      constants: [],
    });
    return { kind: 'struct', name };
  }

  /** `char x[16]` is a string of 16 bytes to bpftrace. */
  private arrays(element: Type, sizes: readonly (number | undefined)[], indirect: boolean): Type {
    let type = element;
    for (let index = sizes.length - 1; index >= 0; index--) {
      const size = sizes[index];
      const isText =
        index === sizes.length - 1 &&
        !indirect &&
        element.kind === 'integer' &&
        element.bits === 8 &&
        element.signed;
      if (isText && size !== undefined) type = string(size);
      else type = size === undefined ? { kind: 'array', of: type } : { kind: 'array', of: type, count: size };
    }
    return type;
  }

  private fromCatalog(name: string): StructDefinition | undefined {
    const text =
      this.catalog === undefined || !Object.hasOwn(this.catalog.structs, name)
        ? undefined
        : this.catalog.structs[name];
    if (text === undefined) return undefined;
    const colon = text.indexOf(':');
    const sizeBytes = Number(text.slice(0, colon));
    return {
      ...this.membersOf(text.slice(colon + 1), new Set([name])),
      ...(Number.isFinite(sizeBytes) ? { sizeBytes } : {}),
    };
  }

  /** Members of a tracepoint or struct of the catalog; members of anonymous ones are lifted. */
  membersOf(text: string, open = new Set<string>()): StructDefinition {
    const fields = new Map<string, StructField>();
    const lift = (members: readonly Member[], base: number): void => {
      for (const member of members) {
        if (member.name !== '') {
          fields.set(member.name, {
            name: member.name,
            type: this.parseDeclared(member.type),
            offsetBytes: base + member.offsetBytes,
          });
          continue;
        }
        const inner = this.catalog?.structs[member.type];
        if (inner === undefined || open.has(member.type)) continue;
        open.add(member.type);
        lift(parseMembers(inner.slice(inner.indexOf(':') + 1)), base + member.offsetBytes);
      }
    };
    lift(parseMembers(text), 0);
    return { fields };
  }

  /** A C type with stars and brackets: `char[16]`, `struct file *`, `__data_loc char[]`. */
  parseDeclared(text: string): Type {
    let rest = text.trim();
    // __data_loc fields are read as strings or integers, by bpftrace's own rule
    if (/^__(data|rel)_loc\b/.test(rest)) return /\bchar\b/.test(rest) ? string(64) : unknown;
    if (rest.includes('(')) return pointer(unknown);
    const sizes: (number | undefined)[] = [];
    for (let match = /\[(\d*)\]\s*$/.exec(rest); match !== null; match = /\[(\d*)\]\s*$/.exec(rest)) {
      sizes.unshift(match[1] === '' ? undefined : Number(match[1]));
      rest = rest.slice(0, match.index).trimEnd();
    }
    let stars = 0;
    for (; rest.endsWith('*'); rest = rest.slice(0, -1).trimEnd()) stars++;
    let type = this.parse(rest);
    for (let level = 0; level < stars; level++) type = pointer(type);
    return this.arrays(type, sizes, stars > 0);
  }

  private parse(text: string, depth = 0): Type {
    const name = text
      .replace(/\b(const|volatile|restrict|static|extern|__user|__rcu|__percpu)\b/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
    if (name === 'void') return voidType;
    const known = cInteger(name);
    if (known !== undefined) return known;
    if (/^(struct|union) \w+$/.test(name)) return { kind: 'struct', name };
    if (/^enum\b/.test(name)) return uint64.kind === 'integer' ? integer(32, false) : int64;
    const typedef =
      depth < 8 && this.catalog?.typedefs !== undefined && Object.hasOwn(this.catalog.typedefs, name)
        ? this.catalog.typedefs[name]
        : undefined;
    return typedef === undefined ? unknown : this.parseDeclared(typedef);
  }
}
