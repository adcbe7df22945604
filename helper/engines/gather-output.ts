import type { Readable } from 'node:stream';

/** More than this at once, and there is no time to rest: a pipe holds 64 KB. */
const MUCH_BYTES = 16 * 1024;
const REST_MS = 100;

/**
 * Lets what an engine writes gather in its pipe: after a small piece nothing is read for a tenth of a second. Node takes 64 KB of memory for
 * each piece, however small: a program that writes line by line costs it 10 MB a second.
 */
export function gatherOutput(stream: Readable): void {
  stream.on('data', (piece: Buffer) => {
    if (piece.length >= MUCH_BYTES) return;
    stream.pause();
    setTimeout(() => stream.resume(), REST_MS);
  });
}
