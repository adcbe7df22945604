import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { DebugInfo } from './debug-info.ts';
import { ElfFile } from './elf.ts';

let own: Promise<DebugInfo | undefined> | undefined;

/**
 * The kernel's vdso, an ELF image that is in no file. It is the same in every process of a kernel (of one word size), so
 * that it is read from this one. Undefined where it cannot be read.
 */
export function vdso(): Promise<DebugInfo | undefined> {
  return (own ??= read());
}

async function read(): Promise<DebugInfo | undefined> {
  try {
    const mapping = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(readFileSync('/proc/self/maps', 'utf8'));
    if (mapping === null) return undefined;
    const start = Number.parseInt(mapping[1]!, 16);
    const bytes = new Uint8Array(Number.parseInt(mapping[2]!, 16) - start);
    const memory = openSync('/proc/self/mem', 'r');
    try {
      readSync(memory, bytes, 0, bytes.length, start);
    } finally {
      closeSync(memory);
    }
    return await DebugInfo.of(ElfFile.fromBytes('[vdso]', bytes));
  } catch {
    return undefined;
  }
}
