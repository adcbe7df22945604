import { hostname, release } from 'node:os';
import { type Catalog, type Member, formatMembers } from '../../protocol/catalog.ts';
import { type Btf, BtfKind } from './btf.ts';
import { BtfPrinter } from './btf-text.ts';
import { addFunctions } from './catalog-functions.ts';
import { type KernelTypes, listKernelFunctions } from './functions.ts';
import type { Tracepoints } from './tracefs.ts';

/** What a catalog is made from; what is absent is left empty in it. */
export interface CatalogSources {
  readonly tracepoints?: Tracepoints;
  readonly types?: KernelTypes;
  readonly bpftraceVersion?: string;
}

/** `process.arch` as `uname -m` prints it. */
const MACHINES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ia32: 'i686',
  arm: 'armv7l',
};

/** Everything a script may name on this host. Takes about a second: 2,300 formats and 126,000 types are read. */
export async function buildCatalog(sources: CatalogSources): Promise<Catalog> {
  const { tracepoints, types, bpftraceVersion } = sources;
  const functions: Record<string, string> = {};
  const modules: Record<string, string[]> = {};
  const listed = listKernelFunctions(tracepoints?.root);
  for (const [module, names] of listed.byModule) {
    if (module !== 'vmlinux') modules[module] = [...names];
    for (const name of names) functions[name] = '';
  }
  const tables = { structs: {}, enums: {}, typedefs: {}, functions } as TypeTables;
  if (types !== undefined) {
    addTypes(types.vmlinux, tables);
    for (const btf of types.modules.values()) addTypes(btf, tables);
  }
  return {
    format: 'probescope-catalog',
    version: 1,
    target: {
      hostname: hostname(),
      kernelRelease: release(),
      arch: MACHINES[process.arch] ?? process.arch,
      takenAtMs: Date.now(),
      ...(bpftraceVersion === undefined ? {} : { bpftraceVersion }),
    },
    tracepoints: tracepoints === undefined ? {} : await tracepointMembers(tracepoints),
    functions,
    modules,
    structs: tables.structs,
    enums: tables.enums,
    typedefs: tables.typedefs,
    iterators: types === undefined ? [] : iteratorsOf(types.vmlinux),
  };
}

async function tracepointMembers(tracepoints: Tracepoints): Promise<Record<string, Record<string, string>>> {
  const groups: Record<string, Record<string, string>> = {};
  for (const [group, names] of await tracepoints.bySubsystem()) {
    const events: Record<string, string> = {};
    for (const name of names) {
      try {
        events[name] = formatMembers(tracepoints.format(`${group}:${name}`).fields);
      } catch {
        // Gone since it was listed: its module was unloaded.
      }
    }
    groups[group] = events;
  }
  return groups;
}

interface TypeTables {
  readonly structs: Record<string, string>;
  readonly enums: Record<string, Record<string, string>>;
  readonly typedefs: Record<string, string>;
  readonly functions: Record<string, string>;
}

/** Adds one BTF file's types. The first definition of a name wins: a kernel has a few hundred doublets. */
function addTypes(btf: Btf, tables: TypeTables): void {
  const printer = new BtfPrinter(btf, (id) => `$${id}`);
  for (let id = btf.start; id < btf.end; id++) {
    switch (btf.kind(id)) {
      case BtfKind.struct:
      case BtfKind.union: {
        const key = printer.type(id);
        tables.structs[key] ??= `${btf.sizeField(id)}:${formatMembers(membersOf(btf, printer, id))}`;
        break;
      }
      case BtfKind.enum:
      case BtfKind.enum64:
        Object.assign((tables.enums[btf.name(id)] ??= {}), enumConstants(btf, id));
        break;
      case BtfKind.typedef:
        tables.typedefs[btf.name(id)] ??= printer.type(btf.target(id));
        break;
    }
  }
  addFunctions(btf, printer, tables.functions);
}

/**
 * Members with their byte offsets. Those of anonymous structs and unions inside are listed as the outer's own, which
 * is how C names them. A bit field's offset is that of the byte its first bit lies in.
 */
function membersOf(btf: Btf, printer: BtfPrinter, id: number, base = 0, depth = 0): Member[] {
  if (depth > 16) return [];
  const bitFields = btf.flag(id);
  return Array.from({ length: btf.memberCount(id) }, (_, index) => {
    const at = 3 + index * 3;
    const name = btf.text(btf.word(id, at));
    const type = btf.word(id, at + 1);
    const rawOffset = btf.word(id, at + 2);
    const offsetBytes = base + ((bitFields ? rawOffset & 0xffffff : rawOffset) >>> 3);
    if (name === '') return membersOf(btf, printer, type, offsetBytes, depth + 1);
    return [{ type: printer.type(type), name, offsetBytes }];
  }).flat();
}

/** Constants of an enumeration with their values as decimal text. */
export function enumConstants(btf: Btf, id: number): Record<string, string> {
  const constants: Record<string, string> = {};
  const wide = btf.kind(id) === BtfKind.enum64;
  const signed = btf.flag(id);
  for (let index = 0; index < btf.memberCount(id); index++) {
    const at = 3 + index * (wide ? 3 : 2);
    const low = btf.word(id, at + 1);
    const bits = wide ? 64 : 32;
    const raw = wide ? (BigInt(btf.word(id, at + 2)) << 32n) | BigInt(low) : BigInt(low);
    constants[btf.text(btf.word(id, at))] = String(signed ? BigInt.asIntN(bits, raw) : raw);
  }
  return constants;
}

/** Functions `bpf_iter_NAME` of the kernel declare the iterators that `iter:NAME` attaches to. */
function iteratorsOf(btf: Btf): string[] {
  return btf
    .idsOf(BtfKind.function)
    .map((id) => /^bpf_iter_(\w+)$/.exec(btf.name(id))?.[1])
    .filter((name) => name !== undefined)
    .sort();
}
