import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileProblem, malformed } from './problems.ts';

/** Where a file's bytes come from: read at an offset, as much as is asked for. */
export interface ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills `into[at … at+length)` from file offset `offset`. The range must lie inside the file. */
  read(offset: number, length: number, into: Uint8Array, at: number): void;
  close(): void;
}

/** Closes files whose reader was forgotten while somebody may still have been reading. */
const forgotten = new FinalizationRegistry<number>((fd) => {
  closeSync(fd);
});

/** A file on disk, read with `pread`: Node has no mmap, and a debug image may be larger than memory. */
export class FileSource implements ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly #fd: number;
  #open = true;

  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, 'r');
    } catch (thrown) {
      throw fileProblem(path, thrown);
    }
    const stat = fstatSync(this.#fd);
    if (!stat.isFile()) {
      closeSync(this.#fd);
      throw fileProblem(path, Object.assign(new Error('not a file'), { code: 'not a regular file' }));
    }
    this.sizeBytes = stat.size;
    this.modifiedMs = stat.mtimeMs;
    forgotten.register(this, this.#fd, this);
  }

  read(offset: number, length: number, into: Uint8Array, at: number): void {
    let done = 0;
    while (done < length) {
      let got: number;
      try {
        got = readSync(this.#fd, into, at + done, Math.min(length - done, 1 << 30), offset + done);
      } catch (thrown) {
        throw fileProblem(this.path, thrown);
      }
      // The file shrank under us: a rebuild truncates it.
      if (got === 0) throw malformed(this.path, 'file', offset + done, 'it ends before its own tables say');
      done += got;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    forgotten.unregister(this);
    closeSync(this.#fd);
  }
}

/** Bytes that are in memory already: decompressed files, tests, vdso images. */
export class MemorySource implements ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
  }

  read(offset: number, length: number, into: Uint8Array, at: number): void {
    into.set(this.#bytes.subarray(offset, offset + length), at);
  }

  close(): void {}
}

// Unit headers and single strings are scattered: with 64 KiB, finding 2,352 headers would read all of 174 MB.
const PAGE = 4096;
/** Most names are shorter. One buffer for all that pass by. */
const nameBytes = new Uint8Array(1024);

/**
 * A section's bytes at their own offsets, filled in pages of 4 KiB as they are asked for. The buffer is as large as the
 * section, but untouched pages cost no memory: the allocator maps them zeroed.
 */
export class LazyBytes {
  /** Valid only where {@link ensure} was called. */
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly #source: ByteSource | undefined;
  readonly #offset: number;
  readonly #filled: Uint8Array;
  #whole: boolean;
  /** Memory that its bytes take, in bytes. */
  heldBytes: number;

  constructor(name: string, source: ByteSource | undefined, offset: number, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
    this.#source = source;
    this.#offset = offset;
    this.#whole = source === undefined || bytes.length === 0;
    this.#filled = new Uint8Array(this.#whole ? 0 : Math.ceil(bytes.length / PAGE));
    this.heldBytes = this.#whole ? bytes.length : this.#filled.length;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Makes `[from, to)` valid, clipped to the section; reads ahead to whole pages. */
  ensure(from: number, to: number): void {
    if (this.#whole || this.#source === undefined) return;
    const first = Math.max(0, Math.floor(from / PAGE));
    const last = Math.min(this.#filled.length, Math.ceil(to / PAGE));
    for (let page = first; page < last; page++) {
      if (this.#filled[page] !== 0) continue;
      let end = page + 1;
      while (end < last && this.#filled[end] === 0) end++;
      const at = page * PAGE;
      const length = Math.min(end * PAGE, this.bytes.length) - at;
      this.#source.read(this.#offset + at, length, this.bytes, at);
      this.#filled.fill(1, page, end);
      this.heldBytes += length;
      page = end;
    }
  }

  /** Copies `length` bytes at `offset` to `into`, without keeping them here: for passes over all of a large section. */
  readInto(offset: number, length: number, into: Uint8Array): void {
    if (this.#whole || this.#source === undefined) into.set(this.bytes.subarray(offset, offset + length));
    else this.#source.read(this.#offset + offset, length, into, 0);
  }

  /** All bytes are here already, so that nothing is saved by {@link readInto}. */
  get isWhole(): boolean {
    return this.#whole;
  }

  /** The whole section, read in one go. */
  all(): Uint8Array {
    this.ensure(0, this.bytes.length);
    this.#whole = true;
    return this.bytes;
  }

  /** As {@link string}, keeping nothing of what it reads unless the string is long. */
  passingString(offset: number): string | undefined {
    if (this.#whole || this.#source === undefined) return this.string(offset);
    if (!(offset >= 0 && offset < this.bytes.length)) return undefined;
    const length = Math.min(nameBytes.length, this.bytes.length - offset);
    this.readInto(offset, length, nameBytes);
    const end = nameBytes.subarray(0, length).indexOf(0);
    return end < 0 ? this.string(offset) : decodeString(nameBytes, 0, end);
  }

  /** A NUL-terminated string at `offset`, or undefined when the offset is outside the section. */
  string(offset: number): string | undefined {
    if (!(offset >= 0 && offset < this.bytes.length)) return undefined;
    let scanned = offset;
    let end = -1;
    while (end < 0 && scanned < this.bytes.length) {
      const next = Math.min(this.bytes.length, (Math.floor(scanned / PAGE) + 1) * PAGE);
      this.ensure(scanned, next);
      const found = this.bytes.indexOf(0, scanned);
      if (found >= 0 && found < next) end = found;
      scanned = next;
    }
    return decodeString(this.bytes, offset, end < 0 ? this.bytes.length : end);
  }
}

/** UTF-8 text of `bytes[from, to)`; short ASCII, which nearly all names are, without the decoder's overhead. */
export function decodeString(bytes: Uint8Array, from: number, to: number): string {
  if (to - from < 24) {
    let text = '';
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte > 127) return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}
