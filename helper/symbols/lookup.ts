import { ProbeError } from '../../protocol/errors.ts';
import type { FunctionQuery } from '../../protocol/helper.ts';
import { listed } from '../../protocol/sites.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { FunctionSubject, RefusedSite, Site, Subject, UsdtSubject } from '../../protocol/probe.ts';
import { partRefusal, planCopies, probedBodies } from './attach-plan.ts';
import { callBounds, type BoundedBody } from './call-bounds.ts';
import { costClassAt } from './cost-class.ts';
import type { DebugInfo } from './debug-info.ts';
import { STT_FUNC, STT_GNU_IFUNC, SHN_UNDEF, type SymbolTable } from './elf/symbol-table.ts';
import { isGoCode } from './go-version.ts';
import { ifuncTargets, resolverReason, type IfuncTarget } from './ifunc.ts';
import { prefixRefusal } from './instructions/probeable.ts';
import type { AddressRange } from './dwarf/lists.ts';
import type { FunctionInfo } from './model.ts';
import { UnwindingAnalysis } from './unwinding.ts';
import { usdtProbes, type UsdtProbe } from './usdt.ts';

/**
 * From what people point at (a name, a line, a USDT probe) to what can be probed. Everything that attaches probes comes
 * through here. Throws ProbeError: function-not-found, function-inlined-everywhere, no-symbols, no-debug-information,
 * line-without-code.
 */
export function findSubjects(info: DebugInfo, query: FunctionQuery): Subject[] {
  if (query.usdt !== undefined) return [findUsdt(info, query.usdt)];
  const { file, line } = query;
  if (query.function !== undefined) return findNamed(info, query.function);
  if (file !== undefined && line !== undefined) return findAt(info, file, line);
  throw new ProbeError({
    code: 'invalid-argument',
    message: 'The query names no function, line or USDT probe.',
  });
}

function findNamed(info: DebugInfo, name: string): Subject[] {
  const functions = functionsMeant(info, name);
  if (functions.length === 0) return [findSymbol(info, name)];
  const subjects = functions.map((found) => functionSubject(info, found));
  return [...attachableOnly(info, subjects, functions), ...usdtInside(info, functions)];
}

/** The functions that debug information describes by this name. One with its parameters means one overload, although it fits all of them. */
export function functionsMeant(info: DebugInfo, name: string): FunctionInfo[] {
  const fitting = info.dwarf === undefined ? [] : info.functionsNamed(name);
  const exact = fitting.filter((found) => found.name === name || found.linkageName === name);
  return exact.length > 0 ? exact : fitting;
}

function findAt(info: DebugInfo, file: string, line: number): Subject[] {
  const functions = info.functionsAt(file, line);
  const probes = usdtOnLine(info, file, line);
  const subjects = functions.map((found) => functionSubject(info, found));
  if (subjects.length === 0 && probes.length > 0) return probes;
  if (subjects.length === 0)
    throw new ProbeError({
      code: 'function-not-found',
      message: `No function of ${info.elf.path} has code at line ${line} of ${file}.`,
      remedy:
        'Put the cursor on the name of a function that is compiled into this program, or choose another binary.',
    });
  const inside = usdtInside(info, functions).filter(
    (probe) => !probes.some((other) => other.name === probe.name && other.provider === probe.provider),
  );
  if (probes.length > 0 && subjects.every((subject) => subject.sites.length === 0))
    return [...probes, ...inside];
  return [...attachableOnly(info, subjects, functions), ...probes, ...inside];
}

/** Those that have a place to attach to; when none has, the reason is thrown. */
function attachableOnly(
  info: DebugInfo,
  subjects: readonly FunctionSubject[],
  functions: readonly FunctionInfo[],
): FunctionSubject[] {
  const good = subjects.filter((subject) => subject.sites.length > 0);
  if (good.length > 0) return good;
  const [first] = subjects;
  const name = first?.function ?? '';
  const copies = functions.flatMap((found) => found.inlined);
  if (copies.length > 0 && functions.every((found) => found.bodies.length === 0)) {
    const callers = [...new Set(copies.map((copy) => copy.into))];
    throw new ProbeError({
      code: 'function-inlined-everywhere',
      message:
        `${name} is inlined everywhere in ${info.elf.path}: ${copies.length === 1 ? 'its only copy is' : `its ${copies.length} copies are`} in ${listed(callers)}. ${first?.refused[0]?.reason ?? ''}`.trim(),
      remedy: `Trace ${callers[0] ?? 'a caller'} instead, or rebuild with __attribute__((noinline)) on ${name}.`,
      alternatives: callers,
    });
  }
  throw new ProbeError({
    code: 'probe-refused',
    message: `${name} cannot be probed: ${first?.refused[0]?.reason ?? 'it has no code in this binary.'}`,
    remedy: 'Trace a caller of it instead.',
  });
}

/** Everywhere that calls of a function of the source begin: bodies, clones, inlined copies, and what takes no probe, with the reason. */
export function functionSubject(info: DebugInfo, found: FunctionInfo): FunctionSubject {
  const sites: Site[] = [];
  const refused: RefusedSite[] = [];
  const bodies = probedBodies(found);
  const declared = found.declared ?? (found.unit.language === 'go' ? firstLine(info, bodies) : undefined);
  const place = declared === undefined ? {} : { place: declared };
  for (const body of found.bodies) {
    const { symbol, entry: vaddr } = body;
    const fileOffsetBytes = info.elf.fileOffsetOf(vaddr);
    const kind = isClone(symbol) ? 'clone' : 'entry';
    const unprobeable = prefixRefusal(info.elf, vaddr);
    const targets = symbol === undefined ? undefined : ifuncTargets(info.elf, symbol, vaddr);
    if (symbol !== undefined && targets !== undefined) {
      refused.push({ kind: 'entry', ...place, reason: resolverReason(symbol, targets) });
      sites.push(...targets.flatMap((target) => targetSite(info, target) ?? []));
    } else if (!bodies.includes(body)) refused.push(partRefusal(found, body));
    else if (fileOffsetBytes === undefined) refused.push({ kind, reason: 'Its code is not in this file.' });
    else if (symbol !== undefined && /\.cold\b/.test(symbol))
      refused.push({ kind, reason: 'It is the part that the compiler moved away, not an entry.' });
    else if (unprobeable !== undefined)
      refused.push({ kind, ...place, reason: `It begins with ${unprobeable}` });
    else if (!sites.some((site) => site.vaddr === vaddr)) {
      const countedOnly = whyNotByName(info, symbol);
      sites.push({
        kind,
        vaddr,
        fileOffsetBytes,
        cost: costClassAt(info.elf, vaddr),
        ...(countedOnly === undefined && symbol !== undefined ? { symbol } : {}),
        ...(countedOnly === undefined ? {} : { countedOnly }),
        ...place,
      });
    }
  }
  const copies = planCopies(info, found, new Set(sites.map(({ vaddr }) => vaddr)));
  sites.push(...copies.sites);
  return {
    kind: 'function',
    function: found.name,
    ...(declared === undefined ? {} : { declared }),
    sites,
    refused: [...refused, ...copies.refused],
    ...(found.unit.language === 'go'
      ? boundsOf(info, bodies, declared)
      : unwindingOf(
          info,
          found.bodies.flatMap((body) => [...body.ranges]),
        )),
  };
}

/** One implementation of an indirect function; undefined when its code is not in the file. */
function targetSite(info: DebugInfo, { address: vaddr, name }: IfuncTarget): Site | undefined {
  const fileOffsetBytes = info.elf.fileOffsetOf(vaddr);
  if (fileOffsetBytes === undefined || prefixRefusal(info.elf, vaddr) !== undefined) return undefined;
  const countedOnly = whyNotByName(info, name);
  return {
    kind: 'ifunc-target',
    vaddr,
    fileOffsetBytes,
    cost: costClassAt(info.elf, vaddr),
    ...(countedOnly === undefined && name !== undefined ? { symbol: name } : {}),
    ...(countedOnly === undefined ? {} : { countedOnly }),
  };
}

/** Go's compiler did not write down where functions are declared before 1.20, but the check of the stack belongs to that line. */
function firstLine(info: DebugInfo, [body]: readonly BoundedBody[]): SourcePlace | undefined {
  return body === undefined ? undefined : placeOf(info, body.entry);
}

function boundsOf(
  info: DebugInfo,
  bodies: readonly BoundedBody[],
  declared: SourcePlace | undefined,
): Pick<FunctionSubject, 'bounds'> {
  return bodies.length === 0 ? {} : { bounds: callBounds(info, bodies, declared) };
}

const analyses = new WeakMap<DebugInfo, UnwindingAnalysis>();

function unwindingOf(info: DebugInfo, ranges: readonly AddressRange[]): Pick<FunctionSubject, 'unwinding'> {
  let analysis = analyses.get(info);
  if (analysis === undefined) analyses.set(info, (analysis = new UnwindingAnalysis(info.elf)));
  const unwinding = analysis.of(ranges);
  return unwinding === 'none' ? {} : { unwinding };
}

function isClone(symbol: string | undefined): boolean {
  return symbol !== undefined && /\.(part|isra|constprop|llvm|lto_priv)\b/.test(symbol);
}

/** bpftrace finds a function by its symbol, and takes any one of several that have the same. */
function whyNotByName(info: DebugInfo, symbol: string | undefined): string | undefined {
  if (symbol === undefined) return 'No symbol names its entry, and bpftrace attaches by symbol.';
  const addresses = new Set(functionSymbols(info).get(symbol) ?? []);
  if (addresses.size > 1)
    return `${addresses.size} functions of this binary have the symbol ${symbol}, and bpftrace cannot tell them apart.`;
  return undefined;
}

const symbolTables = new WeakMap<DebugInfo, ReadonlyMap<string, readonly number[]>>();

/** Function symbols by name, of `.symtab` and `.dynsym`. */
function functionSymbols(info: DebugInfo): ReadonlyMap<string, readonly number[]> {
  const known = symbolTables.get(info);
  if (known !== undefined) return known;
  const found = new Map<string, number[]>();
  for (const table of [info.elf.symbols(), info.elf.dynamicSymbols()])
    if (table !== undefined) addSymbols(found, table);
  symbolTables.set(info, found);
  return found;
}

function addSymbols(found: Map<string, number[]>, table: SymbolTable): void {
  table.load();
  for (let index = 0; index < table.count; index++) {
    const type = table.type(index);
    if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || table.sections[index] === SHN_UNDEF) continue;
    // `name@@VERSION` and `name` are the same function
    const name = table.name(index).replace(/@.*$/, '');
    const addresses = found.get(name);
    if (addresses === undefined) found.set(name, [table.values[index]!]);
    else addresses.push(table.values[index]!);
  }
}

/** A function known by its symbol only: no debug information, or code from assembly. */
function findSymbol(info: DebugInfo, name: string): FunctionSubject {
  const symbols = functionSymbols(info);
  const matches = [...symbols].filter(([symbol]) => symbol === name || info.demangle(symbol) === name);
  const [match] = matches;
  if (match === undefined) throw notFound(info, name, symbols);
  const [symbol, addresses] = match;
  const vaddr = addresses[0] ?? 0;
  const fileOffsetBytes = info.elf.fileOffsetOf(vaddr);
  if (new Set(addresses).size > 1 || fileOffsetBytes === undefined)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${new Set(addresses).size} functions of ${info.elf.path} have the symbol ${symbol}, and bpftrace cannot tell them apart.`,
      remedy: 'Trace a caller of the one you mean, or use a logpoint on its first line.',
    });
  const targets = ifuncTargets(info.elf, symbol, vaddr);
  if (targets !== undefined) return indirectSubject(info, symbol, targets);
  const ranges = [{ low: vaddr, high: vaddr + (info.symbols.find(vaddr)?.sizeBytes ?? 0) }];
  return {
    kind: 'function',
    function: info.demangle(symbol),
    sites: [
      {
        kind: isClone(symbol) ? 'clone' : 'entry',
        symbol,
        vaddr,
        fileOffsetBytes,
        cost: costClassAt(info.elf, vaddr),
      },
    ],
    refused: [],
    ...(isGoCode(info.elf, vaddr)
      ? boundsOf(info, [{ entry: vaddr, ranges }], undefined)
      : unwindingOf(info, ranges)),
  };
}

/** An indirect function: what its resolver picks from is probed, since that is what is called. */
function indirectSubject(info: DebugInfo, symbol: string, targets: readonly IfuncTarget[]): FunctionSubject {
  const sites = targets.flatMap((target) => targetSite(info, target) ?? []);
  const reason = resolverReason(symbol, targets);
  if (sites.length === 0)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${info.demangle(symbol)} cannot be probed: ${reason} Which those are cannot be read from its code.`,
      remedy: `Trace a caller of it, or an implementation by its own name: probescope functions ${info.elf.path} --match ${symbol}`,
    });
  return {
    kind: 'function',
    function: info.demangle(symbol),
    sites,
    refused: [{ kind: 'entry', reason }],
  };
}

function notFound(
  info: DebugInfo,
  name: string,
  symbols: ReadonlyMap<string, readonly number[]>,
): ProbeError {
  const path = info.elf.path;
  if (symbols.size === 0)
    return new ProbeError({
      code: 'no-symbols',
      message: `${path} has no symbols: it was stripped, and ${name} cannot be found in it.`,
      remedy: `Rebuild without -s and strip, or install its debug package.${usdtProbes(info.elf).length > 0 ? ' Its USDT probes can be traced as they are.' : ' System calls and tracepoints of its process can be traced as they are.'}`,
    });
  const stripped = info.elf.symbols() === undefined;
  const similar = closest(name, [...symbols.keys()]);
  const suggestion = similar.length === 0 ? '' : ` Similar names: ${similar.join(', ')}.`;
  return new ProbeError({
    code: 'function-not-found',
    message: `There is no function ${name} in ${path}.`,
    remedy: `${stripped ? 'It was stripped: only exported functions are known; install its debug package for the others.' : 'Check the spelling and whether it is compiled into this binary.'}${suggestion}`,
    ...(similar.length === 0 ? {} : { alternatives: similar }),
  });
}

/** At most three names: those that differ by a letter or two, then those that contain the word. */
function closest(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  const scored = names.flatMap((candidate): [string, number][] => {
    const lower = candidate.toLowerCase();
    if (Math.abs(lower.length - wanted.length) <= 2 && differences(lower, wanted) <= 2)
      return [[candidate, 0]];
    if (wanted.length > 2 && lower.includes(wanted)) return [[candidate, lower.length - wanted.length]];
    return [];
  });
  return scored
    .sort((a, b) => a[1] - b[1])
    .slice(0, 3)
    .map(([candidate]) => candidate);
}

/** Levenshtein's distance of two short words. */
function differences(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

function usdtSubjects(info: DebugInfo, probes: readonly UsdtProbe[]): UsdtSubject[] {
  const byName = new Map<string, { first: UsdtProbe; sites: Site[] }>();
  for (const probe of probes) {
    const key = `${probe.provider}:${probe.name}`;
    const place = placeOf(info, probe.vaddr);
    const site: Site = {
      kind: 'usdt',
      vaddr: probe.vaddr,
      fileOffsetBytes: probe.fileOffsetBytes,
      cost: costClassAt(info.elf, probe.vaddr),
      ...(place === undefined ? {} : { place }),
      ...(probe.semaphore === undefined ? {} : { guarded: true }),
    };
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { first: probe, sites: [site] });
    else known.sites.push(site);
  }
  return [...byName.values()].map(({ first, sites }) => ({
    kind: 'usdt',
    provider: first.provider,
    name: first.name,
    ...(sites[0]?.place === undefined ? {} : { declared: sites[0].place }),
    sites,
  }));
}

function placeOf(info: DebugInfo, vaddr: number): { file: string; line: number } | undefined {
  const [frame] = info.dwarf === undefined ? [] : info.frames(vaddr);
  return frame === undefined || frame.line === 0 ? undefined : { file: frame.file, line: frame.line };
}

function findUsdt(info: DebugInfo, wanted: { provider: string; name: string }): UsdtSubject {
  const all = usdtProbes(info.elf);
  const [found] = usdtSubjects(
    info,
    all.filter(({ provider, name }) => provider === wanted.provider && name === wanted.name),
  );
  if (found !== undefined) return found;
  const names = [...new Set(all.map(({ provider, name }) => `${provider}:${name}`))];
  throw new ProbeError({
    code: 'function-not-found',
    message: `There is no USDT probe ${wanted.provider}:${wanted.name} in ${info.elf.path}.`,
    remedy: names.length === 0 ? 'The binary has no USDT probes at all.' : `It has ${listed(names)}.`,
  });
}

/** USDT probes in the bodies and copies of these functions. */
function usdtInside(info: DebugInfo, functions: readonly FunctionInfo[]): UsdtSubject[] {
  const ranges = functions.flatMap((found) =>
    [...found.bodies, ...found.inlined].flatMap((code) => [...code.ranges]),
  );
  const all = usdtProbes(info.elf);
  const inside = all.filter(({ vaddr }) => ranges.some(({ low, high }) => vaddr >= low && vaddr < high));
  return usdtSubjects(info, withAllSites(all, inside));
}

function usdtOnLine(info: DebugInfo, file: string, line: number): UsdtSubject[] {
  const base = file.slice(file.lastIndexOf('/') + 1);
  const all = usdtProbes(info.elf);
  const on = all.filter(({ vaddr }) => {
    const place = placeOf(info, vaddr);
    return place?.line === line && place.file.slice(place.file.lastIndexOf('/') + 1) === base;
  });
  return usdtSubjects(info, withAllSites(all, on));
}

/** A USDT probe is attached at all its sites, also at those in other functions. */
function withAllSites(all: readonly UsdtProbe[], some: readonly UsdtProbe[]): UsdtProbe[] {
  return all.filter(({ provider, name }) =>
    some.some((one) => one.provider === provider && one.name === name),
  );
}
