import { frameKinds, MAX_DEPTH } from '../../protocol/profile.ts';
import { ProfileBuilder } from '../builder.ts';
import { grown, HASH_PRIME, HASH_SEED, textAt } from '../strings.ts';
import type { Imported } from './notes.ts';
import { finishImport, ImportNotes } from './notes.ts';

const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;
const SPACE = 0x20;
/** The deepest stack of names of 4 KB; a file without line breaks must not be held as one line. */
const MAX_LINE_BYTES = MAX_DEPTH * 4096;
const suffixKinds: Readonly<Record<string, number>> = {
  k: frameKinds.indexOf('kernel'),
  i: frameKinds.indexOf('inlined'),
  j: frameKinds.indexOf('jit'),
};

/**
 * Reads folded stacks (`a;b;c 12` a line) in chunks of any size. Bytes are never made into strings: a line is compared with the
 * one before (sorted input shares most of it), and the rest is hashed frame by frame while it is scanned.
 */
export class FoldedImporter {
  readonly builder: ProfileBuilder;
  readonly notes = new ImportNotes();
  /** A line that has begun, in the pieces it came in, and how long it is so far; 0 pieces of a line that is too long. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;
  #line = 0;
  #cut = 0;
  /** Frame of each text id plus one; 0 when not made yet. */
  #frameOfText = new Int32Array(4096);
  /** The line before: end of each of its frames from its start, and the node there. */
  #ends = new Int32Array(256);
  #nodes = new Int32Array(256);

  constructor(title: string) {
    this.builder = new ProfileBuilder(title, 'samples');
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array): void {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const bytes = this.#afterBegun(chunk, end);
      this.#scan(bytes, bytes.length);
    }
    this.#begin(chunk.slice(end));
  }

  finish(): Imported {
    if (this.#begunBytes > 0) this.push(Uint8Array.of(NEWLINE));
    this.builder.countCutStacks(this.#cut);
    this.#checkNames();
    return finishImport(this.builder.build(), this.notes, 'folded stacks');
  }

  /** Keeps the beginning of a line: joined once, when its end has come, however many pieces that takes. */
  #begin(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#begunBytes += piece.length;
    if (this.#begunBytes <= MAX_LINE_BYTES) this.#begun.push(piece);
    else this.#begun = [];
  }

  /** `chunk[0 … end]` with what had begun before it; without the rest of a line that was too long. */
  #afterBegun(chunk: Uint8Array, end: number): Uint8Array {
    const length = this.#begunBytes;
    const pieces = this.#begun;
    this.#begun = [];
    this.#begunBytes = 0;
    if (length === 0) return chunk.subarray(0, end);
    if (pieces.length === 0) {
      this.notes.add(`line ${++this.#line}`, `is longer than ${MAX_LINE_BYTES >> 20} MB`);
      return chunk.subarray(chunk.indexOf(NEWLINE) + 1, end);
    }
    const bytes = new Uint8Array(length + end);
    let at = 0;
    for (const piece of [...pieces, chunk.subarray(0, end)]) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** All lines of `bytes[0 … end]`, which ends with a line break. Only locals in here: captured ones cost 1.5 ×. */
  #scan(bytes: Uint8Array, end: number): void {
    const { builder } = this;
    const { strings, trie } = builder;
    let ends = this.#ends;
    let nodes = this.#nodes;
    /** Frames of the line before that are known, and where that line begins. */
    let known = 0;
    let before = 0;
    let line = this.#line;
    for (let start = 0; start < end;) {
      line++;
      // as many bytes as both lines have in common; the line before ends at its count at the latest
      const limit = known === 0 ? 0 : ends[known - 1]!;
      let same = 0;
      while (same < limit && bytes[start + same] === bytes[before + same]) same++;
      let depth = 0;
      if (known > 0 && same > 0) {
        // frames that end before the first difference, and whose separator is here too
        let low = 0;
        let high = known;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (ends[middle]! < same || (ends[middle] === same && bytes[start + same] === SEMICOLON))
            low = middle + 1;
          else high = middle;
        }
        depth = low;
      }
      let node = depth === 0 ? 0 : nodes[depth - 1]!;
      let from = depth === 0 ? start : start + ends[depth - 1]! + 1;
      let at = from;
      let hash = HASH_SEED;
      let space = -1;
      let spaceHash = 0;
      let byte = bytes[at]!;
      while (byte !== NEWLINE) {
        if (byte === SEMICOLON) {
          if (depth < MAX_DEPTH) {
            node = trie.child(node, this.#frameOf(strings.internBytes(bytes, from, at, hash)));
            if (depth === ends.length) {
              ends = this.#ends = grown(ends, depth + 1);
              nodes = this.#nodes = grown(nodes, depth + 1);
            }
            ends[depth] = at - start;
            nodes[depth] = node;
          }
          depth++;
          hash = HASH_SEED;
          from = at + 1;
          space = -1;
        } else {
          if (byte === SPACE) {
            space = at;
            spaceHash = hash;
          }
          hash = Math.imul(hash ^ byte, HASH_PRIME);
        }
        byte = bytes[++at]!;
      }
      known = Math.min(depth, MAX_DEPTH);
      before = start;
      const weight = space < 0 ? NaN : weightOf(bytes, space + 1, at);
      if (weight > 0) {
        // trailing spaces between frame and count belong to neither
        if (depth < MAX_DEPTH)
          node = trie.child(node, this.#frameOf(strings.internBytes(bytes, from, space, spaceHash)));
        else this.#cut++;
        trie.self[node]! += weight;
      } else if (weight !== 0) this.#complain(bytes, start, at, line, space, weight);
      start = at + 1;
    }
    this.#line = line;
  }

  #frameOf(text: number): number {
    if (text >= this.#frameOfText.length) this.#frameOfText = grown(this.#frameOfText, text + 1);
    const known = this.#frameOfText[text]!;
    if (known !== 0) return known;
    const { strings } = this.builder;
    let name = text;
    let kind = 0;
    const to = strings.ends[text]!;
    const { bytes } = strings;
    // `_[k]` at the end
    if (
      to - (text === 0 ? 0 : strings.ends[text - 1]!) > 4 &&
      bytes[to - 1] === 0x5d &&
      bytes[to - 3] === 0x5b &&
      bytes[to - 4] === 0x5f
    ) {
      const suffix = suffixKinds[String.fromCharCode(bytes[to - 2]!)];
      if (suffix !== undefined) {
        kind = suffix;
        name = strings.intern(textAt(strings, text).slice(0, -4));
      }
    }
    const frame = this.builder.namedFrame(name, kind);
    this.#frameOfText[text] = frame;
    return frame;
  }

  #complain(
    bytes: Uint8Array,
    start: number,
    end: number,
    line: number,
    space: number,
    weight: number,
  ): void {
    const first = bytes[start]!;
    // empty lines and comments say nothing
    if (end === start || (end === start + 1 && first === 0x0d) || first === 0x23) return;
    const place = `line ${line}`;
    if (weight < 0) this.notes.add(place, 'the count is negative');
    else if (space < 0) this.notes.add(place, 'there is no count after the stack');
    else {
      const text = new TextDecoder().decode(bytes.subarray(space + 1, Math.min(end, space + 31)));
      this.notes.add(place, `“${text}” is no count`);
    }
  }

  #checkNames(): void {
    const { strings } = this.builder;
    const strict = new TextDecoder('utf-8', { fatal: true });
    for (let id = 1; id < strings.count; id++) {
      const bytes = strings.bytes.subarray(strings.ends[id - 1], strings.ends[id]);
      const shown = () => JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 60)));
      if (bytes.includes(0)) this.notes.add(`name ${shown()}`, 'holds a NUL byte, and is kept as it is');
      try {
        strict.decode(bytes);
      } catch {
        this.notes.add(`name ${shown()}`, 'is no UTF-8; what cannot be read is shown as \ufffd');
      }
    }
  }
}

/** A count as flamegraph.pl reads it: digits, and a fraction; NaN for anything else. A line may end with CR. */
function weightOf(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  if (end > from && bytes[end - 1] === 0x0d) end--;
  if (from >= end) return NaN;
  let at = from;
  const negative = bytes[at] === 0x2d;
  if (negative && ++at === end) return NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at < end) {
    if (bytes[at] !== 0x2e) return NaN;
    let unit = 0.1;
    for (at++; at < end; at++, unit /= 10) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) return NaN;
      value += digit * unit;
    }
  }
  return negative ? -value : value;
}
