import { formatAddress } from '../helper/symbols/address.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import type { AddressRange } from '../helper/symbols/dwarf/lists.ts';
import type { FunctionInfo } from '../helper/symbols/model.ts';
import type { FoundSymbol } from '../helper/symbols/symbol-lookup.ts';
import { exitCodes, noteMissing, parseCommandLine, UsageError, type Command } from './command.ts';

export const command: Command = {
  usage: `usage: probescope functions BINARY [--match REGEXP] [--json]

Lists every function that has code: bodies, clones and inlined copies put together under the function of the source, and
functions that only a symbol names. Without debug information the symbol table is all there is, and inlined copies cannot be known.
  --match REGEXP   only functions whose name or linkage name matches
  --json           one array: [{"name","shortName","linkageName","file","line","bodies":[{"address","symbol"}],"inlinedCopies"}]
Exit 1 when there is none.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      match: { type: 'string' },
      json: { type: 'boolean' },
    });
    const [binary] = positionals;
    if (binary === undefined || positionals.length > 1) throw new UsageError('name one binary');
    const pattern = values.match === undefined ? undefined : parsePattern(values.match);
    const info = await DebugInfo.open(binary);
    try {
      const found: FunctionLine[] = [];
      for (const line of info.dwarf === undefined ? fromSymbols(info) : fromDebugInformation(info))
        if (
          pattern === undefined ||
          pattern.test(line.name) ||
          (line.linkageName !== undefined && pattern.test(line.linkageName))
        )
          found.push(line);
      found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
      if (info.dwarf === undefined)
        process.stderr.write(
          `probescope functions: ${binary} has no debug information; these are its symbols\n`,
        );
      if (values.json === true)
        process.stdout.write(`[${found.map((line) => `\n${JSON.stringify(line)}`).join(',')}\n]\n`);
      else process.stdout.write(found.map(asText).join(''));
      noteMissing('functions', info.missing);
      return found.length === 0 ? exitCodes.failed : exitCodes.ok;
    } finally {
      info.close();
    }
  },
};

interface FunctionLine {
  readonly name: string;
  readonly shortName: string;
  readonly linkageName?: string;
  readonly file?: string;
  readonly line?: number;
  readonly bodies: readonly { readonly address: string; readonly symbol?: string }[];
  readonly inlinedCopies: number;
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--match: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What debug information describes, and behind it the functions that only a symbol names: assembly, units compiled without -g. */
function* fromDebugInformation(info: DebugInfo): Generator<FunctionLine> {
  const described: AddressRange[] = [];
  for (const found of info.functions()) {
    for (const { ranges } of found.bodies) described.push(...ranges);
    yield describe(found);
  }
  described.sort((a, b) => a.low - b.low);
  let at = 0;
  let end = -Infinity;
  // symbols come in the order of their addresses
  for (const symbol of info.symbols.functions()) {
    for (; at < described.length && described[at]!.low <= symbol.address; at++)
      end = Math.max(end, described[at]!.high);
    if (symbol.address >= end) yield ofSymbol(info, symbol);
  }
}

export function describe({
  name,
  shortName,
  linkageName,
  declared,
  bodies,
  inlined,
}: FunctionInfo): FunctionLine {
  return {
    name,
    shortName,
    ...(linkageName === undefined ? {} : { linkageName }),
    ...(declared === undefined ? {} : { file: declared.file, line: declared.line }),
    bodies: bodies.map(({ entry, symbol }) => ({
      address: formatAddress(entry),
      ...(symbol === undefined ? {} : { symbol }),
    })),
    inlinedCopies: inlined.length,
  };
}

function* fromSymbols(info: DebugInfo): Generator<FunctionLine> {
  for (const symbol of info.symbols.functions()) yield ofSymbol(info, symbol);
}

function ofSymbol(info: DebugInfo, { name, address }: FoundSymbol): FunctionLine {
  const demangled = info.demangle(name);
  return {
    name: demangled,
    shortName: demangled,
    ...(demangled === name ? {} : { linkageName: name }),
    bodies: [{ address: formatAddress(address), symbol: name }],
    inlinedCopies: 0,
  };
}

function asText({ name, file, line, bodies, inlinedCopies }: FunctionLine): string {
  const parts = bodies.map(({ address, symbol }) =>
    symbol === undefined ? address : `${address} ${symbol}`,
  );
  if (inlinedCopies > 0) parts.push(`${inlinedCopies} inlined`);
  return `${name}  ${file === undefined ? '' : `${file}:${line ?? 0}  `}(${parts.join(', ')})\n`;
}
