import type { ElfFile } from './elf.ts';

/** `\xff Go buildinf:` (Go's debug/buildinfo). */
const MAGIC = [0xff, ...Buffer.from(' Go buildinf:')];
const FLAGS_AT = 15;
/** The strings stand in the section itself: so since Go 1.18. */
const INLINE_STRINGS = 2;
const STRINGS_AT = 32;

/** Whether a program was built by Go, in whole or in part. */
export function isGoProgram(elf: ElfFile): boolean {
  return ['.go.buildinfo', '.gopclntab', '.data.rel.ro.gopclntab'].some(
    (name) => elf.section(name) !== undefined,
  );
}

/** The version of Go that built a program, `[1, 19]`; undefined before 1.18, whose notes lie behind pointers, and for other programs. */
export function goVersion(elf: ElfFile): readonly [major: number, minor: number] | undefined {
  const section = elf.section('.go.buildinfo');
  if (section === undefined) return undefined;
  const bytes = elf.bytesAt(section.address, Math.min(section.sizeBytes, 256));
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) return undefined;
  if (((bytes[FLAGS_AT] ?? 0) & INLINE_STRINGS) === 0) return undefined;
  // a length in one byte (uvarint below 128), then the text: `go1.19.8`, `devel go1.22-…`
  const length = bytes[STRINGS_AT] ?? 0;
  const text = Buffer.from(bytes.subarray(STRINGS_AT + 1, STRINGS_AT + 1 + length)).toString('latin1');
  const match = /\bgo(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

/** Whether the code at an address was compiled by Go; in a program without symbols all of it counts as such. */
export function isGoCode(elf: ElfFile, vaddr: number): boolean {
  if (!isGoProgram(elf)) return false;
  let [low, high] = [-Infinity, Infinity];
  for (const symbol of elf.symbols() ?? []) {
    if (symbol.name === 'runtime.text') low = symbol.value;
    else if (symbol.name === 'runtime.etext') high = symbol.value;
  }
  return vaddr >= low && vaddr < high;
}
