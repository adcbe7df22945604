import { ProfileBuilder } from '../builder.ts';
import type { FrameKind } from '../../protocol/profile.ts';
import { kindOfModule, withoutOffset } from './frame-text.ts';
import type { Imported } from './notes.ts';
import { finishImport, ImportNotes } from './notes.ts';

/**
 * Reads the maps that bpftrace prints at its end, as text or as JSON (`-f json`), when their keys hold stacks:
 * `@[kstack, ustack, comm]: 12`. Stacks are printed innermost first; other keys become outermost frames.
 */
export class BpftraceImporter {
  readonly builder: ProfileBuilder;
  readonly notes = new ImportNotes();
  #line = 0;
  /** Lines of the key that is open, and where it began. */
  #key: string[] | undefined;
  #keyLine = 0;

  constructor(title: string) {
    this.builder = new ProfileBuilder(title, 'count');
  }

  pushLine(text: string): void {
    this.#line++;
    if (this.#key === undefined && text.startsWith('{')) {
      this.#json(text);
      return;
    }
    if (this.#key === undefined) {
      const opened = /^@\w*\[(.*)$/.exec(text);
      // maps without stacks, printf output and the attach message say nothing here
      if (opened === null) return;
      const oneLine = /^(.*)\]: (-?\d+)$/.exec(opened[1]!);
      if (oneLine !== null) return;
      this.#key = [opened[1]!];
      this.#keyLine = this.#line;
      return;
    }
    const closed = /^(.*)\]: (-?\d+)\s*$/.exec(text);
    if (closed === null) {
      if (/^@\w*\[/.test(text)) {
        this.notes.add(`line ${this.#keyLine}`, 'the key of this map entry is never closed');
        this.#key = [text.replace(/^@\w*\[/, '')];
        this.#keyLine = this.#line;
      } else this.#key.push(text);
      return;
    }
    this.#key.push(closed[1]!);
    this.#add(this.#key.join('\n'), Number(closed[2]), `line ${this.#keyLine}`);
    this.#key = undefined;
  }

  finish(): Imported {
    if (this.#key !== undefined)
      this.notes.add(`line ${this.#keyLine}`, 'the file ends inside this map entry');
    return finishImport(this.builder.build(), this.notes, 'maps of bpftrace');
  }

  #json(text: string): void {
    // bytes above 127 are printed as \uffffffc3, which no JSON reader takes
    const repaired = text.replace(/\\uffffff([89a-f][0-9a-f])/gi, '\\u00$1');
    let message: unknown;
    try {
      message = JSON.parse(repaired);
    } catch {
      this.notes.add(`line ${this.#line}`, 'is no JSON; it may have been cut off');
      return;
    }
    const { type, data } = message as { type?: unknown; data?: unknown };
    if (type !== 'map' || typeof data !== 'object' || data === null) return;
    for (const entries of Object.values(data)) {
      if (typeof entries !== 'object' || entries === null) continue;
      for (const [key, weight] of Object.entries(entries as Record<string, unknown>))
        if (key.includes('\n') && (typeof weight === 'number' || typeof weight === 'string'))
          this.#add(utf8(key), Number(weight), `line ${this.#line}`);
    }
  }

  /** One map entry: text with stacks, a frame a line, and other keys between commas. */
  #add(key: string, weight: number, place: string): void {
    if (!(weight >= 0)) {
      this.notes.add(place, weight < 0 ? 'the count is negative' : 'there is no count');
      return;
    }
    const stacks: string[][] = [];
    const others: string[] = [];
    let stack: string[] | undefined;
    for (const line of key.split('\n')) {
      const indented = /^\s+\S/.test(line) && !/^\s*,/.test(line);
      if (indented) {
        if (stack === undefined) stacks.push((stack = []));
        // JSON keys end a stack with a comma on the last frame's own line in some versions
        const [frame, ...after] = line.trim().split(/,(?=[^)]*$)/);
        stack.push(frame!);
        if (after.length > 0) {
          stack = undefined;
          others.push(...after);
        }
      } else if (line.trim() !== '') {
        stack = undefined;
        others.push(...line.split(',').map((each) => each.trim()));
      }
    }
    const frames = others.filter((each) => each !== '').map((name) => this.builder.frame({ name }));
    // the kernel's frames are the inner ones, whichever key the script put first
    const kernel = stacks.map(isKernelStack);
    const order = stacks.map((_, i) => i).sort((a, b) => Number(kernel[a]) - Number(kernel[b]) || b - a);
    for (const s of order) {
      const lines = stacks[s]!;
      for (let i = lines.length - 1; i >= 0; i--) frames.push(this.#frame(lines[i]!, kernel[s]!));
    }
    if (frames.length === 0) return;
    this.builder.add(this.builder.stack(frames), weight);
  }

  /** `symbol+off`, or in perf mode `address symbol+off (module)`. */
  #frame(text: string, kernel: boolean): number {
    const perf = /^([0-9a-f]+) (.*?)(?: \((.*)\))?$/.exec(text);
    const module = perf?.[3] ?? '';
    const symbol = withoutOffset(perf?.[2] ?? text);
    const name =
      symbol === '' || symbol === '[unknown]' || symbol === '0x0'
        ? perf === null
          ? text
          : `0x${perf[1]!}`
        : symbol;
    const kind: FrameKind = kernel ? 'kernel' : kindOfModule(module);
    return this.builder.frame({ name, module: module === '[unknown]' ? '' : module, kind });
  }
}

/** bpftrace does not say whose stack it prints; the kernel's end in its entry code, or lie in its half of the addresses. */
function isKernelStack(lines: readonly string[]): boolean {
  const outermost = lines.at(-1) ?? '';
  return (
    lines.some((line) => /^(0x)?ffff[0-9a-f]{12}\b/.test(line)) ||
    /\b(entry_SYSCALL|entry_INT80|asm_|ret_from_fork|secondary_startup|start_secondary|do_syscall_64|el0t?_|el1h?_|__irqentry)/.test(
      outermost,
    )
  );
}

/** Text whose characters below 256 are the bytes of UTF-8, as the repair of bpftrace's JSON leaves it. */
function utf8(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return text;
  return new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}
