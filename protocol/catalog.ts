/**
 * What a target has to offer to a script: its tracepoints with their fields, its kernel's functions and types, the
 * functions and USDT probes of chosen binaries. `probescope catalog` writes it, `check --catalog` and the language
 * server read it, so that scripts are checked for a host that is not there.
 *
 * Compact on purpose: a kernel has 2,300 tracepoints, 60,000 functions and 130,000 types, and most of them are never
 * looked at. So members are one string each, parsed on first use (see {@link parseMembers}), and a whole kernel's
 * catalog stays below 100 MB in memory.
 */
export interface Catalog {
  readonly format: 'probescope-catalog';
  /** Raised when the meaning of a field changes; readers refuse what they do not know. */
  readonly version: 1;
  readonly target: CatalogTarget;
  /** Category → event → its members, `common_*` fields included (they carry offsets below 8). */
  readonly tracepoints: Readonly<Record<string, Readonly<Record<string, Members>>>>;
  /** Kernel function → prototype; `''` for one whose prototype is not known. See {@link parsePrototype}. */
  readonly functions: Readonly<Record<string, string>>;
  /** Kernel module → the functions it defines; functions of vmlinux are not listed. */
  readonly modules?: Readonly<Record<string, readonly string[]>>;
  /** `struct x` or `union x` → `SIZE_BYTES:` followed by its members. */
  readonly structs: Readonly<Record<string, string>>;
  /** Enum's name (`''` for all anonymous ones) → constant → value as decimal text. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Typedef → what it stands for, as C writes it: `pid_t` → `int`. */
  readonly typedefs?: Readonly<Record<string, string>>;
  /** Iterators of `iter:` probes. */
  readonly iterators?: readonly string[];
  /** Path of a binary as the target sees it → what is in it. */
  readonly binaries?: Readonly<Record<string, CatalogBinary>>;
}

export interface CatalogTarget {
  readonly hostname?: string;
  /** As `uname -r` prints it. */
  readonly kernelRelease?: string;
  /** As `uname -m` prints it: `x86_64`, `aarch64`. */
  readonly arch?: string;
  /** Without a leading `v`: `0.23.2`. */
  readonly bpftraceVersion?: string;
  /** Wall clock when it was taken. */
  readonly takenAtMs?: number;
}

export interface CatalogBinary {
  readonly functions: readonly string[];
  /** `provider:name`. */
  readonly usdt: readonly string[];
}

/** `TYPE|NAME|OFFSET_BYTES` joined by `;`. Types are C without the name: `char[16]`, `struct file *`, `__data_loc char[]`. */
export type Members = string;

export interface Member {
  readonly type: string;
  /** Empty for a member that is an anonymous struct or union. */
  readonly name: string;
  readonly offsetBytes: number;
}

/** The members of a {@link Members} string, in their order. Parts that are not well formed are left out. */
export function parseMembers(text: Members): Member[] {
  const members: Member[] = [];
  for (const part of text.split(';')) {
    const [type, name, offset] = part.split('|');
    if (type === undefined || name === undefined || type === '') continue;
    members.push({ type, name, offsetBytes: Number(offset ?? 0) || 0 });
  }
  return members;
}

export function formatMembers(members: readonly Member[]): Members {
  return members.map((member) => `${member.type}|${member.name}|${member.offsetBytes}`).join(';');
}

export interface Prototype {
  /** C type of what is returned; `void` for nothing. */
  readonly returnType: string;
  readonly parameters: readonly { readonly type: string; readonly name: string }[];
}

/** `RETURN;TYPE|NAME;TYPE|NAME` → prototype; undefined for the empty text of an unknown one. */
export function parsePrototype(text: string): Prototype | undefined {
  if (text === '') return undefined;
  const [returnType = 'void', ...rest] = text.split(';');
  const parameters = rest.map((part) => {
    const [type = '', name = ''] = part.split('|');
    return { type, name };
  });
  return { returnType, parameters };
}

export function formatPrototype(prototype: Prototype): string {
  return [prototype.returnType, ...prototype.parameters.map(({ type, name }) => `${type}|${name}`)].join(';');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads a catalog's JSON text. What is refused is named in a full sentence: text that is no JSON, another format, a
 * version of another release, a table that is missing.
 */
export function readCatalog(text: string): { readonly catalog: Catalog } | { readonly refusal: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { refusal: `The catalog is not JSON: ${error instanceof Error ? error.message : String(error)}.` };
  }
  if (!isRecord(value) || value['format'] !== 'probescope-catalog')
    return { refusal: 'The file is not a catalog: its "format" is not "probescope-catalog".' };
  if (value['version'] !== 1)
    return { refusal: `The catalog has version ${String(value['version'])}; this release reads version 1.` };
  for (const table of ['target', 'tracepoints', 'functions', 'structs', 'enums'] as const)
    if (!isRecord(value[table])) return { refusal: `The catalog's "${table}" is missing or not an object.` };
  for (const [table, isWellFormed] of Object.entries(shapes)) {
    const bad = Object.entries(value[table] ?? {}).find(([, entry]) => !isWellFormed(entry));
    if (bad !== undefined)
      return {
        refusal: `The catalog's "${table}" is damaged at "${bad[0]}". Take it again with \`probescope catalog\`.`,
      };
  }
  return { catalog: value as unknown as Catalog };
}

const isText = (value: unknown): boolean => typeof value === 'string';
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isTextTable = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);

/** What each entry of a table has to be. */
const shapes: Readonly<Record<string, (entry: unknown) => boolean>> = {
  target: (entry) => isText(entry) || typeof entry === 'number',
  tracepoints: isTextTable,
  functions: isText,
  modules: areTexts,
  structs: isText,
  enums: isTextTable,
  typedefs: isText,
  iterators: isText,
  binaries: (entry) => isRecord(entry) && areTexts(entry['functions']) && areTexts(entry['usdt']),
};
