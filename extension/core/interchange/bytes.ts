import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { ProbeError } from '../../../protocol/errors.ts';

const CHUNK_BYTES = 4 << 20;
/** A gzip of honest data hardly passes 30; deflate's own end is 1032. A file of zeros is what comes above this. */
const MAX_RATIO = 200;
/** Below this the ratio does not matter. */
const HARMLESS_BYTES = 64 << 20;

export function unreadable(path: string, error: unknown): ProbeError {
  return new ProbeError(
    {
      code: 'file-unreadable',
      message: `${path} cannot be read: ${(error as Error).message}.`,
      remedy: 'Check the path and its permissions.',
    },
    { cause: error },
  );
}

/** The first bytes of a file, at most `length`. */
export function head(path: string, length: number): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A file's bytes in chunks, unpacked when it is gzipped; each chunk is the reader's own until the next one. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const raw = rawChunks(path);
  const magic = head(path, 2);
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) {
    yield* raw;
    return;
  }
  const gunzip = createGunzip();
  let packed = 0;
  let unpacked = 0;
  let failed: unknown;
  void (async () => {
    for (const chunk of raw) {
      packed += chunk.length;
      // copied, because the buffer of raw chunks is used again
      if (!gunzip.write(Buffer.from(chunk))) await new Promise((drained) => gunzip.once('drain', drained));
      if (gunzip.destroyed) return;
    }
    gunzip.end();
  })().catch((error: unknown) => {
    failed = error;
    gunzip.destroy();
  });
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      unpacked += chunk.length;
      if (unpacked > HARMLESS_BYTES && unpacked > packed * MAX_RATIO)
        throw new ProbeError({
          code: 'malformed-file',
          message: `${path} unpacks to more than ${MAX_RATIO} times its size (${packed} bytes gave ${unpacked} and more): no profile does.`,
          remedy: 'If you trust it, unpack it yourself with gunzip and import the result.',
        });
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ProbeError) throw error;
    if (unpacked === 0)
      throw new ProbeError(
        {
          code: 'malformed-file',
          message: `${path} cannot be unpacked: ${((failed ?? error) as Error).message}.`,
          remedy: 'Copy it again from where it came.',
        },
        { cause: error },
      );
    throw new TruncatedGzip(unpacked);
  } finally {
    gunzip.destroy();
  }
}

/** The gzip stream ends early or is damaged after so many good bytes; what came before is good. */
export class TruncatedGzip extends Error {
  readonly goodBytes: number;
  constructor(goodBytes: number) {
    super(`the gzip stream is cut off or damaged after ${goodBytes} unpacked bytes`);
    this.goodBytes = goodBytes;
  }
}

function* rawChunks(path: string): Generator<Uint8Array> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, null);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    closeSync(file);
  }
}

/** A whole file, unpacked; refused above `maxBytes`, because formats that are read as a whole need it several times over. */
export async function wholeFile(
  path: string,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; damage?: string }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let damage: string | undefined;
  try {
    for await (const chunk of chunksOf(path)) {
      length += chunk.length;
      if (length > maxBytes)
        throw new ProbeError({
          code: 'unsupported-file',
          message: `${path} holds more than ${Math.round(maxBytes / 1e6)} MB in a format that must be read as a whole.`,
          remedy: 'Convert it to folded stacks, which have no such limit.',
        });
      parts.push(Uint8Array.from(chunk));
    }
  } catch (error) {
    if (!(error instanceof TruncatedGzip)) throw error;
    damage = error.message;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return damage === undefined ? { bytes } : { bytes, damage };
}

export function sizeOf(path: string): number {
  try {
    const file = openSync(path, 'r');
    try {
      return fstatSync(file).size;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}
