import { ProbeError } from '../../../protocol/errors.ts';
import { randomBytes } from '../../host/random.ts';

/**
 * The one place where names from outside (paths, symbols, USDT names) become text of a script. All are checked against
 * what bpftrace's lexer takes inside a quoted word of an attach point; nothing is escaped, for escapes differ by version.
 */

/** Letters of linkage names: C, C++, Rust (`$`, `.`), versioned symbols (`@`), clones (`.`). No wildcards, no quotes. */
const symbolPattern = /^[A-Za-z_.$][A-Za-z0-9_.$@]*$/;
const usdtWordPattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
/** Paths that every version reads in quotes; others are reached through a link (`needsAlias`). */
const pathPattern = /^\/[A-Za-z0-9_./+@:,=~% -]*$/;

/** True for a path that must be given another name (a symbolic link) before bpftrace can be told of it. */
export function needsAlias(path: string): boolean {
  return !pathPattern.test(path);
}

function refuse(what: string, word: string): never {
  throw new ProbeError({
    code: 'probe-refused',
    message: `bpftrace cannot be given the ${what} ${JSON.stringify(word)}.`,
    remedy: 'Trace the function by its linkage name as nm prints it, or another function around it.',
  });
}

export function uprobePoint(kind: 'uprobe' | 'uretprobe', path: string, symbol: string): string {
  if (needsAlias(path)) refuse('path', path);
  if (!symbolPattern.test(symbol)) refuse('symbol', symbol);
  return `${kind}:"${path}":"${symbol}"`;
}

export function usdtPoint(path: string, provider: string, name: string): string {
  if (needsAlias(path)) refuse('path', path);
  if (!usdtWordPattern.test(provider)) refuse('USDT provider', provider);
  if (!usdtWordPattern.test(name)) refuse('USDT probe', name);
  return `usdt:"${path}":"${provider}":"${name}"`;
}

/** Names of the kernel's functions, clones' with dots; the shortest and longest are C's identifiers. */
const kernelSymbolPattern = /^[A-Za-z_][A-Za-z0-9_.]*$/;
const modulePattern = /^[A-Za-z0-9_]+$/;

/** `module` only where bpftrace reads one. */
export function kernelPoint(kind: string, module: string | undefined, symbol: string): string {
  if (module !== undefined && !modulePattern.test(module)) refuse('kernel module', module);
  if (!kernelSymbolPattern.test(symbol)) refuse('kernel function', symbol);
  return [kind, ...(module === undefined ? [] : [module]), symbol].join(':');
}

/**
 * A secret word of 15 characters, the longest name a thread can have (TASK_COMM_LEN − 1). Whoever sets it as the name of
 * a thread gives the order it stands for, so it must not be guessed: 11 letters of 6 bits are 66 bits.
 */
export function orderToken(): string {
  return `ps-${randomBytes(9).toString('base64url')}`.replaceAll('-', '_');
}
