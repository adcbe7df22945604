import type { FunctionSubject, RefusedSite, Site } from '../../protocol/probe.ts';
import type { DebugInfo } from './debug-info.ts';
import { SHN_UNDEF, STT_FUNC, STT_GNU_IFUNC } from './elf/symbol-table.ts';
import type { FunctionBody, FunctionInfo } from './model.ts';

/** Suffixes that compilers give to clones of a function; `.cold` is a part of one and no entry. */
const cloneSuffix = /\.(?:part|isra|constprop|lto_priv|llvm|specialized|clone)(?:\.|$)/;

/** A function of the debug information as what can be probed of it, and what cannot with the reason. */
export function functionSubject(info: DebugInfo, one: FunctionInfo): FunctionSubject {
  const sites: Site[] = [];
  const refused: RefusedSite[] = [];
  for (const body of one.bodies) {
    const site = siteOfBody(info, one, body);
    if ('reason' in site) refused.push(site);
    else sites.push(site);
  }
  for (const copy of one.inlined)
    refused.push({
      kind: 'inlined',
      place: copy.callSite,
      reason: `This copy was inlined into ${copy.into}; it has no entry of its own that bpftrace can name.`,
    });
  return {
    kind: 'function',
    function: one.name,
    ...(one.declared === undefined ? {} : { declared: one.declared }),
    sites,
    refused,
  };
}

function siteOfBody(info: DebugInfo, one: FunctionInfo, body: FunctionBody): Site | RefusedSite {
  const { symbol, entry } = body;
  const kind = symbol !== undefined && cloneSuffix.test(symbol) ? 'clone' : 'entry';
  const place = one.declared === undefined ? {} : { place: one.declared };
  const fileOffsetBytes = info.elf.fileOffsetOf(entry);
  if (fileOffsetBytes === undefined)
    return { kind, ...place, reason: `The address 0x${entry.toString(16)} has no bytes in the file.` };
  if (symbol === undefined)
    return {
      kind,
      ...place,
      reason: `No symbol stands at 0x${entry.toString(16)}, and bpftrace attaches by name.`,
    };
  const namesakes = addressesOf(info, symbol);
  if (namesakes.size > 1)
    return {
      kind,
      ...place,
      reason: `${namesakes.size} functions of the binary have the symbol ${symbol}, and bpftrace attaches by name: it might take another one.`,
    };
  return { kind, symbol, vaddr: entry, fileOffsetBytes, ...place };
}

/**
 * Functions that the symbol table alone knows, by linkage name or by what it means: for stripped files, assembly, and
 * binaries without debug information.
 */
export function symbolSubjects(info: DebugInfo, name: string): FunctionSubject[] {
  const table = info.elf.symbols() ?? info.elf.dynamicSymbols();
  const found = new Map<number, FunctionSubject>();
  for (let index = 1; table !== undefined && index < table.count; index++) {
    if (table.type(index) !== STT_FUNC || table.sections[index] === SHN_UNDEF) continue;
    const symbol = table.name(index).replace(/@.*$/, '');
    const plain = info.demangle(symbol);
    if (symbol !== name && plain !== name && plain.replace(/\(.*$/, '') !== name) continue;
    const vaddr = table.values[index]!;
    const fileOffsetBytes = info.elf.fileOffsetOf(vaddr);
    if (fileOffsetBytes === undefined || found.has(vaddr)) continue;
    const kind = cloneSuffix.test(symbol) ? 'clone' : 'entry';
    found.set(vaddr, {
      kind: 'function',
      function: plain,
      sites: [{ kind, symbol, vaddr, fileOffsetBytes }],
      refused: [],
    });
  }
  return [...found.values()];
}

const addressCache = new WeakMap<DebugInfo, Map<string, Set<number>>>();

/** All addresses that have this symbol; more than one for static functions of one name in several files. */
function addressesOf(info: DebugInfo, symbol: string): ReadonlySet<number> {
  let known = addressCache.get(info);
  if (known === undefined) {
    known = new Map();
    const table = info.elf.symbols() ?? info.elf.dynamicSymbols();
    for (let index = 1; table !== undefined && index < table.count; index++) {
      const type = table.type(index);
      if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || table.sections[index] === SHN_UNDEF) continue;
      const name = table.name(index);
      let addresses = known.get(name);
      if (addresses === undefined) known.set(name, (addresses = new Set()));
      addresses.add(table.values[index]!);
    }
    addressCache.set(info, known);
  }
  return known.get(symbol) ?? new Set();
}
