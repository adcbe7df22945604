import { ProbeError } from '../../protocol/errors.ts';
import type { FunctionQuery } from '../../protocol/helper.ts';
import type { FunctionSubject, Subject, UsdtSubject } from '../../protocol/probe.ts';
import type { DebugInfo } from './debug-info.ts';
import { functionSubject, symbolSubjects } from './function-subject.ts';
import type { FunctionInfo } from './model.ts';
import { usdtProbes, type UsdtProbe } from './usdt.ts';

/**
 * What a query stands for in a binary: functions with their sites, and the USDT probes inside them or on the very line.
 * Throws `function-not-found`, `function-inlined-everywhere` (with its callers as alternatives), `no-symbols`,
 * `no-debug-information`, `line-without-code`, and what opening the binary throws.
 */
export function lookUp(info: DebugInfo, query: FunctionQuery): Subject[] {
  if (query.usdt !== undefined) return [usdtNamed(info, query.usdt.provider, query.usdt.name)];
  if (query.function !== undefined) {
    const { found, infos } = functionsNamed(info, query.function);
    return [...found, ...usdtInside(info, infos, undefined, undefined)];
  }
  if (query.file === undefined || query.line === undefined)
    throw new ProbeError({
      code: 'invalid-argument',
      message: 'A look-up needs a function, a file and a line, or a USDT probe.',
    });
  const infos = info.functionsAt(query.file, query.line);
  const usdt = usdtInside(info, infos, query.file, query.line);
  const found = infos.map((one) => functionSubject(info, one));
  if (found.length === 0 && usdt.length === 0)
    throw new ProbeError({
      code: 'line-without-code',
      message: `No function of ${info.elf.path} has code at ${query.file}:${query.line}.`,
      remedy:
        'The compiler may have removed it, or the binary was built from another version of the file: rebuild it with -g.',
    });
  return [...refuseWhatIsInlinedEverywhere(info, found, infos, usdt), ...usdt];
}

function functionsNamed(info: DebugInfo, name: string): { found: FunctionSubject[]; infos: FunctionInfo[] } {
  const fitting = info.dwarf === undefined ? [] : info.functionsNamed(name);
  // a name with its parameters means one overload, although it fits all of them
  const exact = fitting.filter((one) => one.name === name || one.linkageName === name);
  const infos = exact.length > 0 ? exact : fitting;
  if (infos.length > 0) {
    const found = infos.map((one) => functionSubject(info, one));
    return { found: refuseWhatIsInlinedEverywhere(info, found, infos, []), infos };
  }
  const found = symbolSubjects(info, name);
  if (found.length > 0) return { found, infos: [] };
  throw notFound(info, name);
}

function notFound(info: DebugInfo, name: string): ProbeError {
  const { path } = info.elf;
  const count = (info.elf.symbols()?.count ?? 0) + (info.elf.dynamicSymbols()?.count ?? 0);
  if (count <= 1 && info.dwarf === undefined)
    return new ProbeError({
      code: 'no-symbols',
      message: `${path} has neither symbols nor debug information, so ${name} cannot be found in it.`,
      remedy:
        'Its USDT probes and the functions of its shared libraries can still be traced. Install its debug package (…-dbgsym, …-debuginfo), or build it without strip.',
    });
  const stripped = info.elf.symbols() === undefined;
  const alternatives = similarNames(info, name);
  return new ProbeError({
    code: 'function-not-found',
    message: `There is no function ${name} in ${path}.`,
    remedy:
      alternatives.length > 0
        ? `Did you mean ${alternatives.slice(0, 3).join(', ')}?`
        : stripped
          ? 'The binary is stripped: only its exported functions have names. Install its debug package or build it without strip.'
          : 'List its functions with: probescope functions BINARY --match RE',
    ...(alternatives.length === 0 ? {} : { alternatives }),
  });
}

/** Names that differ by little: in case, by a part of a longer name, or by two letters at most. */
function similarNames(info: DebugInfo, name: string): string[] {
  const wanted = name.toLowerCase();
  const names = new Set<string>();
  const table = info.elf.symbols() ?? info.elf.dynamicSymbols();
  for (let index = 1; table !== undefined && index < table.count && names.size < 200_000; index++)
    if (table.type(index) === 2 && table.sections[index] !== 0) names.add(table.name(index));
  const scored = [...names].flatMap((candidate): [string, number][] => {
    const lower = candidate.toLowerCase();
    if (lower === wanted) return [[candidate, 0]];
    if (Math.abs(lower.length - wanted.length) <= 2 && distance(lower, wanted) <= 2) return [[candidate, 1]];
    if (wanted.length >= 4 && lower.includes(wanted)) return [[candidate, 2 + lower.length - wanted.length]];
    return [];
  });
  return scored
    .sort((a, b) => a[1] - b[1])
    .slice(0, 5)
    .map(([candidate]) => info.demangle(candidate));
}

/** Levenshtein's distance of two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** Leaves out functions without a site; when none is left, says so and names those that they were inlined into. */
function refuseWhatIsInlinedEverywhere(
  info: DebugInfo,
  found: readonly FunctionSubject[],
  infos: readonly FunctionInfo[],
  usdt: readonly UsdtSubject[],
): FunctionSubject[] {
  const usable = found.filter((subject) => subject.sites.length > 0);
  if (usable.length > 0 || usdt.length > 0) return usable;
  const copies = infos.flatMap((one) => one.inlined);
  const name = infos[0]?.name ?? '';
  if (copies.length === 0) {
    const reason =
      found.flatMap((subject) => subject.refused)[0]?.reason ?? `No code of it is in ${info.elf.path}.`;
    throw new ProbeError({ code: 'probe-refused', message: `${name} cannot be probed. ${reason}` });
  }
  const callers = [...new Set(copies.map((copy) => copy.into))];
  throw new ProbeError({
    code: 'function-inlined-everywhere',
    message: `${name} has no code of its own in ${info.elf.path}: the compiler inlined it into ${callers.slice(0, 5).join(', ')}${callers.length > 5 ? ` and ${callers.length - 5} more` : ''}.`,
    remedy: `Trace its callers instead: ${callers.slice(0, 5).join(', ')}. Or build it with __attribute__((noinline)).`,
    alternatives: callers,
  });
}

function usdtNamed(info: DebugInfo, provider: string, name: string): UsdtSubject {
  const probes = usdtProbes(info.elf);
  const sites = probes.filter(
    (probe) => probe.name === name && (provider === '' || probe.provider === provider),
  );
  const [first] = sites;
  if (first !== undefined) return usdtSubject(info, sites);
  const known = [...new Set(probes.map((probe) => `${probe.provider}:${probe.name}`))];
  throw new ProbeError({
    code: 'function-not-found',
    message: `There is no USDT probe ${provider}:${name} in ${info.elf.path}.`,
    remedy:
      known.length === 0
        ? 'The binary has no USDT probes at all.'
        : `It has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ` and ${known.length - 8} more; list them with: probescope usdt BINARY` : ''}.`,
  });
}

/** USDT probes whose place is in one of the functions, or on the line. */
function usdtInside(
  info: DebugInfo,
  functions: readonly FunctionInfo[],
  file: string | undefined,
  line: number | undefined,
): UsdtSubject[] {
  const probes = usdtProbes(info.elf);
  if (probes.length === 0) return [];
  const ranges = functions.flatMap((one) => [...one.bodies, ...one.inlined].flatMap((body) => body.ranges));
  const groups = new Map<string, UsdtProbe[]>();
  for (const probe of probes) {
    const inside = ranges.some(({ low, high }) => probe.vaddr >= low && probe.vaddr < high);
    if (!inside && !(file !== undefined && isOnLine(info, probe.vaddr, file, line))) continue;
    const key = `${probe.provider}:${probe.name}`;
    groups.set(key, [...(groups.get(key) ?? []), probe]);
  }
  // a probe has all its sites, also those in other functions: bpftrace attaches them together
  return [...groups.values()].map(([first]) =>
    usdtSubject(
      info,
      probes.filter((probe) => probe.provider === first?.provider && probe.name === first.name),
    ),
  );
}

function isOnLine(info: DebugInfo, vaddr: number, file: string, line: number | undefined): boolean {
  const base = file.slice(file.lastIndexOf('/') + 1);
  return info.frames(vaddr).some((frame) => frame.line === line && frame.file.endsWith(`/${base}`));
}

function usdtSubject(info: DebugInfo, probes: readonly UsdtProbe[]): UsdtSubject {
  const [first] = probes;
  const sites = probes.map(({ vaddr, fileOffsetBytes }) => {
    const frame = info.dwarf === undefined ? undefined : info.frames(vaddr)[0];
    const place =
      frame === undefined || frame.line === 0 ? undefined : { file: frame.file, line: frame.line };
    return { kind: 'usdt' as const, vaddr, fileOffsetBytes, ...(place === undefined ? {} : { place }) };
  });
  const declared = sites[0]?.place;
  return {
    kind: 'usdt',
    provider: first?.provider ?? '',
    name: first?.name ?? '',
    ...(declared === undefined ? {} : { declared }),
    sites,
  };
}
