import { readFileSync, readdirSync } from 'node:fs';
import { asProblem } from '../../protocol/errors.ts';
import { Btf, BtfKind } from './btf.ts';
import { BtfPrinter } from './btf-text.ts';

/** The kernel's type information, its modules' included. */
export interface KernelTypes {
  readonly vmlinux: Btf;
  /** Module → its own types. A file that is malformed is left out and named in `unreadable`. */
  readonly modules: ReadonlyMap<string, Btf>;
  readonly unreadable: readonly string[];
}

const BTF_FOLDER = '/sys/kernel/btf';

/** Reads BTF; throws `file-not-found` where the kernel has none, `malformed-file` where it cannot be read. */
export function readKernelTypes(folder = BTF_FOLDER): KernelTypes {
  const vmlinux = new Btf(readFileSync(`${folder}/vmlinux`));
  const modules = new Map<string, Btf>();
  const unreadable: string[] = [];
  for (const module of readdirSync(folder).filter((name) => name !== 'vmlinux')) {
    try {
      modules.set(module, new Btf(readFileSync(`${folder}/${module}`), vmlinux));
    } catch (thrown) {
      unreadable.push(`${module}: ${asProblem(thrown).message}`);
    }
  }
  return { vmlinux, modules, unreadable };
}

/** Functions of the kernel by module; `vmlinux` is the kernel itself. */
export interface KernelFunctions {
  readonly byModule: ReadonlyMap<string, readonly string[]>;
  /** Which list of the kernel's was used, for people. */
  readonly source: string;
  /** Present when the list may hold functions that cannot be probed. */
  readonly caveat?: string;
}

/**
 * The kernel functions that can be probed: ftrace's own list where it can be read (`available_filter_functions`), otherwise
 * the text symbols of kallsyms, of which inlined, `notrace` and assembly functions refuse probes.
 */
export function listKernelFunctions(tracefsRoot: string | undefined): KernelFunctions {
  if (tracefsRoot !== undefined) {
    try {
      const text = readFileSync(`${tracefsRoot}/available_filter_functions`, 'utf8');
      return { byModule: parseFilterFunctions(text), source: 'available_filter_functions' };
    } catch {
      // EPERM under lockdown, ENOENT without function tracing: the symbol table is next.
    }
  }
  const text = readFileSync('/proc/kallsyms', 'latin1');
  return {
    byModule: parseKallsyms(text),
    source: '/proc/kallsyms',
    caveat: "ftrace's list of functions cannot be read, so functions may be listed that refuse probes.",
  };
}

/** Lines `name` or `name [module]`; ftrace's placeholders for addresses without a name are left out. */
export function parseFilterFunctions(text: string): Map<string, string[]> {
  return grouped(text, (line) => {
    const match = /^([^\s[]+)(?:\s+\[([^\]]+)\])?$/.exec(line);
    return match === null || match[1]?.startsWith('__ftrace_invalid')
      ? undefined
      : [match[2] ?? 'vmlinux', match[1] ?? ''];
  });
}

/** Text symbols of `ADDRESS TYPE name [module]`; compiler-made clones and labels of sections are left out. */
export function parseKallsyms(text: string): Map<string, string[]> {
  return grouped(text, (line) => {
    const match = /^[\da-f]+ [tTwW] ([\w$]+)(?:\s+\[([^\]]+)\])?$/.exec(line);
    const name = match?.[1] ?? '';
    if (match === null || /^(?:__pfx_|__cfi_|_[se]?text$|__?start_|__?stop_|bpf_prog_)/.test(name))
      return undefined;
    return [match[2] ?? 'vmlinux', name];
  });
}

function grouped(text: string, parse: (line: string) => [string, string] | undefined): Map<string, string[]> {
  const groups = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const parsed = parse(line);
    if (parsed === undefined) continue;
    const [module, name] = parsed;
    const names = groups.get(module);
    if (names === undefined) groups.set(module, new Set([name]));
    else names.add(name);
  }
  return new Map([...groups].map(([module, names]) => [module, [...names].sort()]));
}

/** Finds functions and their prototypes by name, as they are asked for. */
export class Prototypes {
  private readonly types: KernelTypes;
  private readonly printers = new Map<string, { btf: Btf; ids: Map<string, number>; printer: BtfPrinter }>();

  constructor(types: KernelTypes) {
    this.types = types;
  }

  /** C prototype of a kernel function, or undefined when BTF does not know it (then fentry cannot attach either). */
  of(name: string, module = 'vmlinux'): string | undefined {
    const found = this.find(name, module);
    return found && found.printer.function(found.id);
  }

  /** Parameters with their types, in order. */
  parametersOf(
    name: string,
    module = 'vmlinux',
  ): { name: string; type: string; sizeBytes: number }[] | undefined {
    const found = this.find(name, module);
    if (found === undefined) return undefined;
    const { btf, printer, id } = found;
    const prototype = btf.target(id);
    return Array.from({ length: btf.memberCount(prototype) }, (_, index) => {
      const type = btf.word(prototype, 4 + index * 2);
      return {
        name: btf.text(btf.word(prototype, 3 + index * 2)) || `arg${index}`,
        type: printer.type(type),
        sizeBytes: sizeOf(btf, type),
      };
    });
  }

  /** C type of what the function returns. */
  resultOf(name: string, module = 'vmlinux'): string | undefined {
    const found = this.find(name, module);
    return found && found.printer.type(found.btf.target(found.btf.target(found.id)));
  }

  private find(name: string, module: string) {
    let known = this.printers.get(module);
    if (known === undefined) {
      const btf = module === 'vmlinux' ? this.types.vmlinux : this.types.modules.get(module);
      if (btf === undefined) return undefined;
      const ids = new Map(btf.idsOf(BtfKind.function).map((id) => [btf.name(id), id]));
      known = { btf, ids, printer: new BtfPrinter(btf) };
      this.printers.set(module, known);
    }
    const id = known.ids.get(name);
    return id === undefined ? undefined : { ...known, id };
  }
}

/** Size in bytes of a type; 8 for pointers, 0 for void. */
export function sizeOf(btf: Btf, id: number, depth = 0): number {
  if (depth > 64) return 0;
  switch (btf.kind(id)) {
    case BtfKind.pointer:
      return 8;
    case BtfKind.int:
    case BtfKind.struct:
    case BtfKind.union:
    case BtfKind.enum:
    case BtfKind.enum64:
    case BtfKind.float:
      return btf.sizeField(id);
    case BtfKind.array:
      return sizeOf(btf, btf.word(id, 3), depth + 1) * btf.word(id, 5);
    case BtfKind.typedef:
    case BtfKind.const:
    case BtfKind.volatile:
    case BtfKind.restrict:
    case BtfKind.typeTag:
      return sizeOf(btf, btf.target(id), depth + 1);
    default:
      return 0;
  }
}
