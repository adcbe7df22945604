import type { ByteSource } from '../bytes.ts';

const table = new Int32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
  return value;
});

/** CRC-32 (IEEE 802.3) of a whole file, as `.gnu_debuglink` has it. Reads in pieces of 1 MiB. */
export function crc32(source: ByteSource): number {
  const piece = new Uint8Array(1 << 20);
  let crc = -1;
  for (let offset = 0; offset < source.sizeBytes; offset += piece.length) {
    const length = Math.min(piece.length, source.sizeBytes - offset);
    source.read(offset, length, piece, 0);
    for (let at = 0; at < length; at++) crc = (crc >>> 8) ^ table[(crc ^ piece[at]!) & 0xff]!;
  }
  return ~crc >>> 0;
}
