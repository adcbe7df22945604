import type { FrameKind } from '../../protocol/profile.ts';
import type { ProfileBuilder } from '../builder.ts';
import { kindOfModule, withoutOffset } from './frame-text.ts';

/** A map's key taken apart: its stacks, innermost frame first, each frame a line as it was printed, and everything else. */
export interface KeyParts {
  readonly stacks: readonly (readonly string[])[];
  readonly others: readonly string[];
}

/**
 * Takes a key of `bpftrace -f json` apart. Parts are joined by commas; a stack begins and ends with a line end, an empty
 * one is nothing (0.17) or a line end (0.23). 0.23 escapes line ends a second time.
 */
export function splitKey(raw: string): KeyParts {
  const key = raw.includes('\\n') ? raw.replaceAll('\\n', '\n').replaceAll('\\t', '\t') : raw;
  const stacks: string[][] = [];
  const others: string[] = [];
  for (let at = 0; at < key.length;) {
    if (key[at] !== '\n') {
      const end = key.indexOf(',', at);
      const part = key.slice(at, end < 0 ? key.length : end).trim();
      if (part !== '') others.push(part);
      at = end < 0 ? key.length : end + 1;
      continue;
    }
    const frames: string[] = [];
    at++;
    while (at < key.length && key[at] !== ',') {
      const end = key.indexOf('\n', at);
      const line = key.slice(at, end < 0 ? key.length : end);
      // the tab tells mode perf, whose blanks 0.27 leaves out
      if (line.trim() !== '') frames.push(line.startsWith('\t') ? line.trimEnd() : line.trim());
      at = end < 0 ? key.length : end + 1;
    }
    if (frames.length > 0) stacks.push(frames);
    at++;
  }
  return { stacks, others };
}

/** True when a key holds a stack. */
export function hasStack(key: string): boolean {
  return key.includes('\n') || key.includes('\\n');
}

/** Adds weight to the stacks of one key as one call stack: the other keys are its outermost frames. */
export function addStacks(
  builder: ProfileBuilder,
  stacks: readonly (readonly string[])[],
  others: readonly string[],
  weight: number,
): void {
  const frames = others.filter((each) => each !== '').map((name) => builder.frame({ name }));
  // the kernel's frames are the inner ones, whichever key the script put first
  const kernel = stacks.map(isKernelStack);
  const order = stacks.map((_, i) => i).sort((a, b) => Number(kernel[a]) - Number(kernel[b]) || b - a);
  for (const s of order) {
    const lines = stacks[s]!;
    for (let i = lines.length - 1; i >= 0; i--) frames.push(addFrame(builder, lines[i]!, kernel[s]!));
  }
  if (frames.length > 0) builder.add(builder.stack(frames), weight);
}

/** The address of a frame as mode perf prints it, hexadecimal; undefined in other modes. */
export function addressOf(line: string): string | undefined {
  return perfFrame(line)?.[1];
}

/**
 * `symbol+off`, or in mode perf `address symbol+off (module)`. 0.27 prints keys without blanks, so that the address runs
 * into the name: kernel addresses have 16 digits, those of position-independent programs 12, of others 6.
 */
function addFrame(builder: ProfileBuilder, text: string, kernel: boolean): number {
  const perf = perfFrame(text);
  const module = perf?.[3] ?? '';
  const symbol = withoutOffset(perf?.[2] ?? text.trim());
  const name =
    symbol === '' || symbol === '[unknown]' || symbol === '0x0'
      ? perf === null
        ? text.trim()
        : `0x${perf[1]!}`
      : symbol;
  const kind: FrameKind = kernel ? 'kernel' : kindOfModule(module);
  return builder.frame({ name, module: module === '[unknown]' ? '' : module, kind });
}

/** Address, symbol and module of a line in mode perf. */
function perfFrame(text: string): RegExpExecArray | null {
  return (
    /^\s*([0-9a-f]+) (.*?)(?: \((.*)\))?$/.exec(text) ??
    /^\t(ffff[0-9a-f]{12}|[57][0-9a-f]{11}|[0-9a-f]{6})(.*?)(?:\((.*)\))?$/.exec(text)
  );
}

/** bpftrace does not say whose stack it prints; the kernel's end in its entry code, or lie in its half of the addresses. */
function isKernelStack(lines: readonly string[]): boolean {
  const outermost = lines.at(-1) ?? '';
  return (
    lines.some((line) => /^\s*(0x)?ffff[0-9a-f]{12}/.test(line)) ||
    /\b(entry_SYSCALL|entry_INT80|asm_|ret_from_fork|secondary_startup|start_secondary|do_syscall_64|el0t?_|el1h?_|__irqentry)/.test(
      outermost,
    )
  );
}
