import type { Version } from '../version.ts';
import { isOpen, typeName, type Type } from './types.ts';

export interface Conversion {
  /** Where it stands in the decoded text. */
  readonly at: number;
  readonly text: string;
  readonly specifier: string;
}

/** What `%` forms a release understands; anything else it prints as it stands, or from 0.25 refuses. */
const lengths = '(?:hh|h|ll|l|j|z|t)?';
const old = new RegExp(`%(?:-?\\d*(?:\\.\\d+)?${lengths}(?:[duoxXp]|c|s|rx|rh|r))`, 'g');
const recent = new RegExp(`%[-+ 0#]*\\d*(?:\\.\\d+)?${lengths}([duoxXp]|c|s|rx|rh|r|gr|f|i)`, 'g');

/** The conversions of a format string, `%%` left out. */
export function conversions(format: string, version: Version): Conversion[] {
  const pattern = version >= 24 ? recent : old;
  // `%%` is no conversion and its second half begins none
  const masked = format.replace(/%%/g, '\u0000\u0000');
  const found: Conversion[] = [];
  for (const match of masked.matchAll(pattern)) {
    const specifier = /(gr|rx|rh|[a-zA-Z])$/.exec(match[0])?.[1] ?? '';
    found.push({ at: match.index, text: match[0], specifier });
  }
  return found;
}

type Wanted = 'integer' | 'string' | 'buffer';

function wanted(specifier: string): Wanted | undefined {
  if (specifier === 's') return 'string';
  if (specifier === 'r' || specifier === 'rx' || specifier === 'rh') return 'buffer';
  return /^[duoxXpc]$|^gr$|^i$/.test(specifier) ? 'integer' : undefined;
}

/** Why a value cannot be printed by a conversion, or undefined when it can. */
export function conversionProblem(conversion: Conversion, type: Type, version: Version): string | undefined {
  if (isOpen(type)) return undefined;
  const want = wanted(conversion.specifier);
  const refusal = `\`${conversion.text}\` cannot print ${typeName(type)}.`;
  if (type.kind === 'void') return `There is no value here for \`${conversion.text}\`.`;
  if (want === undefined) return `\`${conversion.text}\` is no conversion that bpftrace knows.`;
  if (version >= 25) {
    if (want === 'string') return undefined;
    if (want === 'buffer') return type.kind === 'buffer' ? undefined : refusal;
    return ['integer', 'pointer', 'boolean'].includes(type.kind) ? undefined : refusal;
  }
  return printsAs(type, want, version) ? undefined : refusal;
}

function printsAs(type: Type, want: Wanted, version: Version): boolean {
  switch (type.kind) {
    case 'integer':
      // Enum constants have names from 0.22 on
      return want === 'integer' || (want === 'string' && version >= 22 && type.enumName !== undefined);
    case 'boolean':
      return want === 'integer' || (version >= 24 && want === 'string');
    case 'pointer':
      return want === 'integer';
    case 'buffer':
      return want === 'buffer';
    case 'string':
    case 'stack':
      return want === 'string';
    case 'opaque':
      return want === 'string' && type.name !== 'stack_mode' && type.name !== 'clock';
    case 'aggregation':
      return false;
    default:
      return false;
  }
}
