import { ProbeError } from '../../../protocol/errors.ts';

/**
 * Lines for `uprobe_events` (kernel: Documentation/trace/uprobetracer.rst). This is the one place where a name, a path
 * or a number becomes part of a definition: everything is validated here and nothing is ever quoted by hand elsewhere.
 */

/** What the kernel is asked to read at a hit. */
export type Fetch =
  | { readonly op: 'register'; readonly name: string }
  | { readonly op: 'immediate'; readonly value: bigint }
  | { readonly op: 'returnValue' }
  /** The memory of the image at `fileOffsetBytes`, counted as the probe's own place in the file is (kernel: `@+OFFSET`). */
  | { readonly op: 'image'; readonly fileOffsetBytes: number }
  /** The memory at `base + offsetBytes` of the traced process. */
  | { readonly op: 'memory'; readonly base: Fetch; readonly offsetBytes: number };

/** How the bytes are stored: `elements` > 0 makes an array; strings end at their first NUL byte. */
export type Stored =
  | {
      readonly as: 'integer';
      readonly bytes: 1 | 2 | 4 | 8;
      readonly signed?: boolean;
      readonly elements?: number;
    }
  | { readonly as: 'string' };

export interface FetchArgument {
  readonly name: string;
  readonly fetch: Fetch;
  readonly stored: Stored;
}

export interface UprobeDefinition {
  readonly group: string;
  readonly event: string;
  readonly path: string;
  readonly fileOffsetBytes: number;
  /** Fires when the function that begins at the offset returns. */
  readonly onReturn?: boolean;
  /** File offset of a USDT semaphore that the kernel counts up while the probe is attached (kernel ≥ 4.20). */
  readonly referenceCounterOffsetBytes?: number;
  readonly arguments: readonly FetchArgument[];
}

/** MAX_TRACE_ARGS, MAX_ARRAY_LEN, MAX_ARG_NAME_LEN and MAX_EVENT_NAME_LEN of kernel/trace/trace_probe.h. */
export const MAX_ARGUMENTS = 128;
export const MAX_ARRAY_ELEMENTS = 64;
const MAX_ARGUMENT_NAME = 31;
const MAX_EVENT_NAME = 63;
/** MAX_TRACE_CMDLEN in kernel/trace/trace_dynevent.h, with room for the line's end. */
const MAX_LINE = 2047;

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** No blanks or quotes (the kernel splits and unquotes at them), no `#` (comment), nothing that is not printable ASCII. */
const spellablePath = /^\/[!$-&(-[\]-~]+$/;

/** Registers that `regs_query_register_offset` knows, 64-bit x86 and arm64. */
const kernelRegisters = new Set([
  ...['ax', 'bx', 'cx', 'dx', 'si', 'di', 'bp', 'sp', 'ip', 'flags'],
  ...Array.from({ length: 8 }, (_, index) => `r${index + 8}`),
  ...Array.from({ length: 31 }, (_, index) => `x${index}`),
  ...['pc', 'pstate'],
]);

/** The path through which the supervisor has an unspellable file open while it defines a probe. */
export const OPEN_FILE_PATH = '/proc/self/fd/4';

export function isSpellable(path: string): boolean {
  return spellablePath.test(path) && path.length < 1024;
}

/** One line for `uprobe_events`; throws `invalid-argument` for what the kernel could misread. */
export function formatDefinition(definition: UprobeDefinition): string {
  const { group, event, fileOffsetBytes, referenceCounterOffsetBytes, arguments: args } = definition;
  checkName('group', group, MAX_EVENT_NAME);
  checkName('event', event, MAX_EVENT_NAME);
  checkOffset(fileOffsetBytes);
  if (args.length > MAX_ARGUMENTS)
    throw refused(
      `${args.length} values are asked for at one place; the kernel records at most ${MAX_ARGUMENTS}.`,
    );
  const path = isSpellable(definition.path) ? definition.path : OPEN_FILE_PATH;
  const counter = referenceCounterOffsetBytes === undefined ? '' : `(${hex(referenceCounterOffsetBytes)})`;
  if (referenceCounterOffsetBytes !== undefined) checkOffset(referenceCounterOffsetBytes);
  const line = [
    `${definition.onReturn === true ? 'r' : 'p'}:${group}/${event}`,
    `${path}:${hex(fileOffsetBytes)}${counter}`,
    ...args.map(formatArgument),
  ].join(' ');
  if (line.length > MAX_LINE)
    throw refused(
      `The values asked for need a definition of ${line.length} characters; the kernel takes ${MAX_LINE}.`,
    );
  return line;
}

export function removalOf(group: string, event: string): string {
  checkName('group', group, MAX_EVENT_NAME);
  checkName('event', event, MAX_EVENT_NAME);
  return `-:${group}/${event}`;
}

function formatArgument(argument: FetchArgument): string {
  checkName('argument', argument.name, MAX_ARGUMENT_NAME);
  return `${argument.name}=${formatFetch(argument.fetch)}:${formatStored(argument.stored)}`;
}

/** In the kernel's spelling: `+8(+0(%di))`. */
export function formatFetch(fetch: Fetch): string {
  switch (fetch.op) {
    case 'register':
      if (!kernelRegisters.has(fetch.name))
        throw refused(`The kernel knows no register ${JSON.stringify(fetch.name)}.`);
      return `%${fetch.name}`;
    case 'immediate':
      return `\\${fetch.value}`;
    case 'returnValue':
      return '$retval';
    case 'image':
      checkOffset(fetch.fileOffsetBytes);
      return `@+${fetch.fileOffsetBytes}`;
    case 'memory': {
      const { offsetBytes } = fetch;
      if (!Number.isSafeInteger(offsetBytes)) throw refused(`${offsetBytes} is no offset in bytes.`);
      return `${offsetBytes < 0 ? '-' : '+'}${Math.abs(offsetBytes)}(${formatFetch(fetch.base)})`;
    }
  }
}

export function formatStored(stored: Stored): string {
  if (stored.as === 'string') return 'string';
  const { elements } = stored;
  if (
    elements !== undefined &&
    !(Number.isInteger(elements) && elements > 0 && elements <= MAX_ARRAY_ELEMENTS)
  )
    throw refused(`An array of ${elements} elements; the kernel records at most ${MAX_ARRAY_ELEMENTS}.`);
  return `${stored.signed === true ? 's' : 'u'}${stored.bytes * 8}${elements === undefined ? '' : `[${elements}]`}`;
}

function checkName(what: string, name: string, longest: number): void {
  if (!namePattern.test(name) || name.length > longest)
    throw refused(
      `${JSON.stringify(name)} cannot be the name of a kernel ${what}: letters, digits and _ only.`,
    );
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw refused(`${offset} is no offset in a file.`);
}

const hex = (value: number): string => `0x${value.toString(16)}`;

function refused(message: string): ProbeError {
  return new ProbeError({ code: 'invalid-argument', message });
}
