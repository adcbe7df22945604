import * as zlib from 'node:zlib';
import { decompress as zstdInPureJs } from 'fzstd';
import { malformed, unsupported } from '../problems.ts';

/** ELFCOMPRESS_ZLIB and ELFCOMPRESS_ZSTD (gABI, "Compression of section data"). */
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;

/**
 * Debug sections shrink to a half or a sixth. What claims to grow more than 128-fold is a compression bomb and is
 * refused before a byte of it is inflated, unless it stays below 64 MiB.
 */
const MAXIMUM_GROWTH = 128;
const ALWAYS_ALLOWED = 64 << 20;

function checkGrowth(path: string, section: string, packed: number, inflated: number): void {
  if (inflated > Math.max(ALWAYS_ALLOWED, packed * MAXIMUM_GROWTH) || inflated > 0xffffffff)
    throw malformed(path, section, 0, `${packed} bytes claim to inflate to ${inflated}`);
}

/** Inflates a `SHF_COMPRESSED` section: an Elf32_Chdr or Elf64_Chdr and the packed bytes behind it. */
export function inflateSection(path: string, section: string, packed: Uint8Array, is64: boolean): Uint8Array {
  const headerSize = is64 ? 24 : 12;
  if (packed.length < headerSize) throw malformed(path, section, 0, 'its compression header is cut off');
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const type = view.getUint32(0, true);
  const size = is64
    ? view.getUint32(12, true) * 4294967296 + view.getUint32(8, true)
    : view.getUint32(4, true);
  const body = packed.subarray(headerSize);
  if (type === ELFCOMPRESS_ZLIB) return inflateZlib(path, section, body, size);
  if (type === ELFCOMPRESS_ZSTD) return inflateZstd(path, section, body, size);
  throw unsupported(path, `compression ${type} of section ${section}`);
}

/** Inflates GNU's older `.zdebug_…` section: "ZLIB", the size as 8 bytes big-endian, the packed bytes. */
export function inflateOldSection(path: string, section: string, packed: Uint8Array): Uint8Array {
  if (packed.length < 12 || Buffer.from(packed.subarray(0, 4)).toString('latin1') !== 'ZLIB')
    throw malformed(path, section, 0, 'its "ZLIB" header is missing');
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const size = view.getUint32(4, false) * 4294967296 + view.getUint32(8, false);
  return inflateZlib(path, section, packed.subarray(12), size);
}

/** Else Node inflates 16 KB at a time and joins them: twice the memory. One byte more, so that the end is seen. */
const inOnePiece = (size: number) => ({ maxOutputLength: size, chunkSize: Math.max(64, size + 1) });

function inflateZlib(path: string, section: string, body: Uint8Array, size: number): Uint8Array {
  checkGrowth(path, section, body.length, size);
  if (size === 0) return new Uint8Array(0);
  return checkSize(path, section, size, () => zlib.inflateSync(body, inOnePiece(size)));
}

/** Node from 22.15 on has zstd built in; before that a pure JavaScript decoder does it at a fifth of the speed. */
function inflateZstd(path: string, section: string, body: Uint8Array, size: number): Uint8Array {
  checkGrowth(path, section, body.length, size);
  if (size === 0) return new Uint8Array(0);
  return checkSize(path, section, size, () =>
    typeof zlib.zstdDecompressSync === 'function'
      ? zlib.zstdDecompressSync(body, inOnePiece(size))
      : zstdInPureJs(body, new Uint8Array(size)),
  );
}

function checkSize(path: string, section: string, size: number, inflate: () => Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflate();
  } catch (thrown) {
    throw malformed(
      path,
      section,
      0,
      `it does not inflate (${thrown instanceof Error ? thrown.message : ''})`,
    );
  }
  if (bytes.length !== size)
    throw malformed(path, section, 0, `it inflates to ${bytes.length} bytes, not ${size}`);
  return bytes;
}
