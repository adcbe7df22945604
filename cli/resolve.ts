import { existsSync } from 'node:fs';
import { formatAddress } from '../helper/symbols/address.ts';
import { probedBodies } from '../helper/symbols/attach-plan.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import { aliveLines } from '../helper/symbols/expression/variables.ts';
import { scopeAt } from '../helper/logpoints/scope.ts';
import { exitsOf } from '../helper/symbols/exits.ts';
import { findSubjects, functionsMeant, functionSubject } from '../helper/symbols/lookup.ts';
import { sourceVersion } from '../helper/symbols/source-version.ts';
import type { FunctionInfo, LineSites, Variable } from '../helper/symbols/model.ts';
import { expressionContext } from '../helper/symbols/values/frame-base.ts';
import { evaluateLocation } from '../helper/symbols/values/location.ts';
import { placeText } from '../helper/symbols/values/place-text.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { RefusedSite, Site } from '../protocol/probe.ts';
import { refusalReasons } from '../protocol/sites.ts';
import { exitCodes, noteMissing, parseCommandLine, UsageError, type Command } from './command.ts';

export const command: Command = {
  usage: `usage: probescope resolve BINARY FUNCTION|FILE:LINE|FILE:LINE:COLUMN [--json]

Tells where a function or a line is in the binary: each site with its address, file offset and place, and the parameters and
variables in scope there with their types and where their values are; of a function also which of its places cannot be probed, and why.
  FUNCTION   the bare name, the qualified name with or without parameters, or the linkage name
  COLUMN     of the code that begins there, or last before it on the line
  --json     one object a match, in an array
Exit 1 when nothing fits.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, { json: { type: 'boolean' } });
    const [binary, what] = positionals;
    if (binary === undefined || what === undefined || positionals.length > 2)
      throw new UsageError('name one binary, and a function or FILE:LINE');
    const info = await DebugInfo.open(binary);
    try {
      const place = /^(.+?):(\d+)(?::(\d+))?$/.exec(what);
      const isLine = place !== null && !what.includes('::');
      if (isLine && Number(place[2]) < 1) throw new UsageError(`${what} is no place: lines count from 1`);
      const lines = isLine ? linesOf(info, place[1]!, place[2]!, place[3]) : undefined;
      const answers = lines === undefined ? functionAnswers(info, what) : [lineAnswer(info, lines)];
      for (const note of lines === undefined ? [] : lineNotes(info.elf.path, lines, place!))
        process.stderr.write(`probescope resolve: ${note}\n`);
      if (values.json === true) process.stdout.write(`${JSON.stringify(answers, null, 1)}\n`);
      else process.stdout.write(answers.map(asText).join('\n'));
      noteMissing('resolve', info.missing);
      return exitCodes.ok;
    } finally {
      info.close();
    }
  },
};

function linesOf(info: DebugInfo, file: string, line: string, column: string | undefined): LineSites {
  return info.lineSites(file, Number(line), column === undefined ? undefined : Number(column));
}

function lineNotes(binary: string, lines: LineSites, [, file, , column]: RegExpExecArray): string[] {
  const taken = lines.sites[0]?.place.column;
  const notes = sourceNotes(binary, lines, file!);
  if (column !== undefined && !lines.moved && taken !== Number(column))
    notes.push(
      taken === undefined
        ? `the compiler wrote no columns for line ${lines.line}: all of the line is taken`
        : `no code begins at column ${column} of line ${lines.line}: column ${taken} is taken`,
    );
  return notes;
}

/** What makes the answer doubtful: files that fit as well, and a source that the binary was not built from. */
export function sourceNotes(
  binary: string,
  { file, alike, md5s }: Pick<LineSites, 'file' | 'alike' | 'md5s'>,
  asked: string,
): string[] {
  const notes: string[] = [];
  if (alike.length > 0)
    notes.push(`${asked} fits other files of this binary as well: ${listed(alike)}; give more of the path`);
  const source = [asked, file].find((path) => existsSync(path));
  if (source === undefined) {
    notes.push(`${file} is not on this machine: whether it was changed since the build cannot be told`);
    return notes;
  }
  const { stale, mixed } = sourceVersion(source, binary, md5s);
  if (mixed)
    notes.push(
      `${binary} was built from ${md5s.length} versions of ${source}: lines may be wrong; rebuild all of it`,
    );
  else if (stale) notes.push(`${source} is newer than ${binary}: lines may have moved; rebuild it`);
  return notes;
}

const listed = (files: readonly string[]): string =>
  files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more` : files.join(', ');

interface Answer {
  readonly function?: string;
  readonly linkageName?: string;
  readonly file?: string;
  readonly line?: number;
  /** The line asked for has no code; `line` is the nearest one that has. */
  readonly moved?: boolean;
  readonly sites: readonly SiteAnswer[];
  /** How many places of the function can be probed, the others, and where it ends in a jump to another function. */
  readonly probed?: number;
  readonly refused?: readonly {
    readonly kind: Site['kind'];
    readonly file?: string;
    readonly line?: number;
    readonly reason: string;
  }[];
  readonly tailCalls?: readonly string[];
}

interface SiteAnswer {
  readonly kind: Site['kind'] | 'line';
  readonly address: string;
  readonly fileOffset?: string;
  readonly symbol?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The function that the site's code is in. */
  readonly in?: string;
  readonly variables: readonly VariableAnswer[];
}

interface VariableAnswer {
  readonly name: string;
  readonly kind: Variable['kind'];
  readonly type: string;
  readonly constant?: string;
  /** Optimised out at this address. */
  readonly optimisedOut?: true;
  /** The location expression at this address, as hexadecimal bytes (DWARF 5 section 2.5). */
  readonly location?: string;
  /** The same for people: `in %rdi`, `at -20(%rsp)`, `= 5`; or why a probe cannot follow it. */
  readonly place?: string;
  /** Where a variable that is optimised out here has a value, nearest first. */
  readonly aliveAtLines?: readonly number[];
}

function functionAnswers(info: DebugInfo, name: string): Answer[] {
  const found = functionsMeant(info, name);
  if (found.length > 0) return found.map((each) => functionAnswer(info, each));
  return findSubjects(info, { binary: info.elf.path, function: name }).map((subject) => ({
    ...(subject.kind === 'function' ? { function: subject.function } : {}),
    sites: subject.sites.map(({ kind, vaddr, symbol }) => ({
      kind,
      ...site(info, vaddr),
      ...(symbol === undefined ? {} : { symbol }),
      variables: [],
    })),
    ...(subject.kind === 'function' ? refusals(subject.sites.length, subject.refused) : {}),
  }));
}

function refusals(probed: number, refused: readonly RefusedSite[]): Pick<Answer, 'probed' | 'refused'> {
  return {
    probed,
    refused: refused.map(({ kind, place, reason }) => ({
      kind,
      ...(place === undefined ? {} : { file: place.file, line: place.line }),
      reason,
    })),
  };
}

/** Which places take a probe; undefined for a file of debug information alone, which has no code to attach to. */
function planOf(info: DebugInfo, found: FunctionInfo): Partial<Answer> {
  const entries = [...found.bodies, ...found.inlined].map(({ entry }) => entry);
  if (entries.every((entry) => info.elf.fileOffsetOf(entry) === undefined)) return {};
  const { sites, refused } = functionSubject(info, found);
  const tailCalls = probedBodies(found)
    .flatMap(({ ranges }) => exitsOf(info.elf, ranges))
    .filter(({ kind }) => kind === 'tail-call');
  return {
    ...refusals(sites.length, refused),
    ...(tailCalls.length === 0 ? {} : { tailCalls: tailCalls.map(({ address }) => formatAddress(address)) }),
  };
}

function functionAnswer(info: DebugInfo, found: FunctionInfo): Answer {
  const { name, linkageName, declared, bodies, inlined } = found;
  return {
    function: name,
    ...(linkageName === undefined ? {} : { linkageName }),
    ...(declared === undefined ? {} : { file: declared.file, line: declared.line }),
    sites: [
      ...bodies.map(({ entry, symbol }): SiteAnswer => ({
        kind:
          symbol !== undefined && symbol !== linkageName && symbol !== found.shortName ? 'clone' : 'entry',
        ...site(info, entry),
        ...(symbol === undefined ? {} : { symbol }),
        variables: variables(info, info.scopesAt(entry).at(-1)?.variables, entry),
      })),
      ...inlined.map((copy): SiteAnswer => {
        const { entry, callSite, into } = copy;
        return {
          kind: 'inlined',
          ...site(info, entry),
          file: callSite.file,
          line: callSite.line,
          ...(callSite.column === undefined ? {} : { column: callSite.column }),
          in: into,
          variables: variables(info, info.variablesOfCopy(copy), entry),
        };
      }),
    ],
    ...planOf(info, found),
  };
}

function lineAnswer(info: DebugInfo, { file, line, moved, sites }: LineSites): Answer {
  return {
    file,
    line,
    moved,
    sites: sites.map(({ address, place, function: name, inlinedFunction }) => ({
      kind: 'line',
      ...site(info, address),
      file: place.file,
      line: place.line,
      ...(place.column === undefined ? {} : { column: place.column }),
      in: inlinedFunction === undefined ? name : `${inlinedFunction}, inlined into ${name}`,
      variables: variables(info, variablesOfLine(info, address, inlinedFunction ?? name), address),
    })),
  };
}

/** Of the function that the line belongs to: the address may at the same time be the first of a call that was inlined there. */
function variablesOfLine(info: DebugInfo, address: number, name: string): readonly Variable[] {
  return info.scopesAt(address).length === 0 ? [] : scopeAt(info, address, name).variables;
}

function site(info: DebugInfo, address: number): { address: string; fileOffset?: string } {
  const offset = info.elf.fileOffsetOf(address);
  return {
    address: formatAddress(address),
    ...(offset === undefined ? {} : { fileOffset: formatAddress(offset) }),
  };
}

function variables(
  info: DebugInfo,
  found: readonly Variable[] | undefined,
  address: number,
): VariableAnswer[] {
  return (found ?? []).map((variable) => describe(info, variable, address));
}

function describe(info: DebugInfo, variable: Variable, address: number): VariableAnswer {
  const { name, kind, type, locations, constant } = variable;
  const common = { name, kind, type: type().name };
  if (constant !== undefined) return { ...common, constant: String(constant) };
  const here = locations().find(({ low, high }) => low <= address && address < high);
  if (here !== undefined && here.expression.length > 0)
    return {
      ...common,
      location: Buffer.from(here.expression).toString('hex'),
      ...placeOf(info, variable, here.expression, address),
    };
  const lineOf = (at: number): number | undefined => info.frames(at)[0]?.line;
  const alive = aliveLines({ address: { pc: address }, lineOf }, variable);
  return { ...common, optimisedOut: true, ...(alive.length === 0 ? {} : { aliveAtLines: alive }) };
}

function placeOf(
  info: DebugInfo,
  { die }: Variable,
  expression: Uint8Array,
  pc: number,
): Pick<VariableAnswer, 'place'> {
  const functionDie = info.scopesAt(pc).at(-1)?.die;
  if (functionDie === undefined) return {};
  const { elf, dwarf } = info;
  try {
    const context = expressionContext({ elf, debug: dwarf?.elf ?? elf, pc, functionDie }, die);
    return { place: placeText(evaluateLocation(expression, context), elf.header.machine) };
  } catch (error) {
    if (!(error instanceof ProbeError)) throw error;
    return { place: `(${error.message})` };
  }
}

function asText(answer: Answer): string {
  const place = answer.file === undefined ? '' : `${answer.file}:${answer.line ?? 0}`;
  const moved = answer.moved === true ? ' (the line asked for has no code)' : '';
  let text = `${answer.function ?? place}${answer.function === undefined || place === '' ? '' : `  ${place}`}${moved}\n`;
  for (const each of answer.sites) {
    text += `  ${each.kind} ${each.address}${each.symbol === undefined ? '' : ` ${each.symbol}`}`;
    if (each.in !== undefined) text += ` in ${each.in}`;
    if (each.kind === 'inlined') text += `, called at ${each.file ?? '?'}:${each.line ?? 0}`;
    text += '\n';
    for (const { name, kind, type, ...value } of each.variables)
      text += `    ${kind} ${name}: ${type} ${valueText(value)}`.trimEnd() + '\n';
  }
  const { probed = 0, refused = [], tailCalls = [] } = answer;
  if (refused.length > 0) text += `  ${probed} of ${probed + refused.length} sites can be probed\n`;
  for (const reason of refusalReasons(refusedSites(refused))) text += `    not: ${reason}\n`;
  if (tailCalls.length > 0)
    text += `  ends in a jump to another function at ${tailCalls.join(', ')}: the time until that one returns is part of it\n`;
  return text;
}

function refusedSites(refused: Answer['refused']): RefusedSite[] {
  return (refused ?? []).map(({ kind, reason, file, line }) => ({
    kind,
    reason,
    ...(file === undefined || line === undefined ? {} : { place: { file, line } }),
  }));
}

function valueText(value: Omit<VariableAnswer, 'name' | 'kind' | 'type'>): string {
  const { constant, optimisedOut, location, place, aliveAtLines } = value;
  if (constant !== undefined) return `= ${constant}`;
  if (optimisedOut === true)
    return aliveAtLines === undefined
      ? '(optimised out)'
      : `(optimised out here; alive at line ${aliveAtLines.join(', ')})`;
  return place ?? `[${location ?? ''}]`;
}
