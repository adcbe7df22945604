import { ProfileBuilder } from '../builder.ts';
import { addStacks, splitKey } from './bpftrace-key.ts';
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
          this.#addKey(utf8(key), Number(weight));
    }
  }

  #addKey(key: string, weight: number): void {
    const place = `line ${this.#line}`;
    if (!(weight >= 0)) {
      this.notes.add(place, weight < 0 ? 'the count is negative' : 'there is no count');
      return;
    }
    const { stacks, others } = splitKey(key);
    addStacks(this.builder, stacks, others, weight);
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
        // the comma after a stack may stand on the last frame's own line
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
    addStacks(this.builder, stacks, others, weight);
  }
}

/** Text whose characters below 256 are the bytes of UTF-8, as the repair of bpftrace's JSON leaves it. */
function utf8(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return text;
  return new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}
