import { existsSync } from 'node:fs';
import { formatAddress } from '../helper/symbols/address.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import { sourceVersion } from '../helper/symbols/source-version.ts';
import type { FunctionInfo, LineSites, ScopeAt, Variable } from '../helper/symbols/model.ts';
import { ProbeError } from '../protocol/errors.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';

export const command: Command = {
  usage: `usage: probescope resolve BINARY FUNCTION|FILE:LINE|FILE:LINE:COLUMN [--json]

Tells where a function or a line is in the binary: each site with its address, file offset and place, and the parameters and
variables in scope there with their types and where their values are.
  FUNCTION   the bare name, the qualified name with or without parameters, or the linkage name
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
      const lines = isLine ? linesOf(info, place[1]!, place[2]!, place[3]) : undefined;
      const answers = lines === undefined ? functionAnswers(info, what) : [lineAnswer(info, lines)];
      for (const note of lines === undefined ? [] : sourceNotes(info.elf.path, lines, place![1]!))
        process.stderr.write(`probescope resolve: ${note}\n`);
      if (values.json === true) process.stdout.write(`${JSON.stringify(answers, null, 1)}\n`);
      else process.stdout.write(answers.map(asText).join('\n'));
      return exitCodes.ok;
    } finally {
      info.close();
    }
  },
};

function linesOf(info: DebugInfo, file: string, line: string, column: string | undefined): LineSites {
  return info.lineSites(file, Number(line), column === undefined ? undefined : Number(column));
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
  if (source === undefined) return notes;
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
}

interface SiteAnswer {
  readonly kind: 'entry' | 'clone' | 'inlined' | 'line';
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
}

function functionAnswers(info: DebugInfo, name: string): Answer[] {
  const found = info.functionsNamed(name);
  if (found.length === 0)
    throw new ProbeError({
      code: 'function-not-found',
      message: `${info.elf.path} has no function ${name}.`,
      remedy: 'List what it has with: probescope functions BINARY --match NAME',
    });
  return found.map((each) => functionAnswer(info, each));
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
        variables: variables(info.scopesAt(entry).slice(-1), entry),
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
          variables: info.variablesOfCopy(copy).map((variable) => describe(variable, entry)),
        };
      }),
    ],
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
      variables: variables(info.scopesAt(address).slice(0, 1), address),
    })),
  };
}

function site(info: DebugInfo, address: number): { address: string; fileOffset?: string } {
  const offset = info.elf.fileOffsetOf(address);
  return {
    address: formatAddress(address),
    ...(offset === undefined ? {} : { fileOffset: formatAddress(offset) }),
  };
}

function variables(scopes: readonly ScopeAt[], address: number): VariableAnswer[] {
  return scopes.flatMap((scope) => scope.variables.map((variable) => describe(variable, address)));
}

function describe({ name, kind, type, locations, constant }: Variable, address: number): VariableAnswer {
  const common = { name, kind, type: type().name };
  if (constant !== undefined) return { ...common, constant: String(constant) };
  const here = locations().find(({ low, high }) => low <= address && address < high);
  return here === undefined || here.expression.length === 0
    ? { ...common, optimisedOut: true }
    : { ...common, location: Buffer.from(here.expression).toString('hex') };
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
    for (const { name, kind, type, constant, optimisedOut, location } of each.variables)
      text += `    ${kind} ${name}: ${type}${constant === undefined ? '' : ` = ${constant}`}${optimisedOut === true ? ' (optimised out here)' : ''}${location === undefined ? '' : ` [${location}]`}\n`;
  }
  return text;
}
