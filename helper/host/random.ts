import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes that nobody can guess, from the kernel: what `node:crypto` gives, without the 8 ms and 3 MB that loading it takes. */
export function randomBytes(count: number): Buffer {
  const source = openSync('/dev/urandom', 'r');
  try {
    const bytes = Buffer.alloc(count);
    if (readSync(source, bytes) < count) throw new Error('/dev/urandom gave less than it was asked for.');
    return bytes;
  } finally {
    closeSync(source);
  }
}
