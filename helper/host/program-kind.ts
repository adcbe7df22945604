import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { ElfFile } from '../symbols/elf.ts';

/** What kind of program a file is, as far as its headers and sections tell. */
export interface ProgramKind {
  /** A guess: `C`, `C++`, `Go`, `Rust`, or the language that an interpreter runs. */
  readonly language?: string;
  /** It carries debug information itself, or the name of a file that does is not looked for here. */
  readonly debugInfo: boolean;
  readonly is64Bit: boolean;
  /** Linked without an interpreter (PT_INTERP): its libraries' functions are its own. */
  readonly isStatic: boolean;
}

/** Programs that run another language's; their own would say nothing. */
const interpreters: readonly (readonly [RegExp, string])[] = [
  [/^python\d?(\.\d+)?/, 'Python'],
  [/^(node|nodejs|bun|deno)/, 'JavaScript'],
  [/^(java|jspawnhelper)$/, 'Java'],
  [/^ruby/, 'Ruby'],
  [/^perl/, 'Perl'],
  [/^php/, 'PHP'],
  [/^(dotnet|mono)/, '.NET'],
  [/^(beam\.smp|erl)/, 'Erlang'],
  [/^(lua|luajit)/, 'Lua'],
];

const MOST_KEPT = 4096;
const kinds = new Map<string, ProgramKind | undefined>();

/** Undefined for a file that cannot be read or is no ELF file. Kept by the file's identity. */
export function programKind(path: string, shownPath: string): ProgramKind | undefined {
  try {
    const { dev, ino, mtimeMs } = statSync(path);
    const key = `${dev} ${ino} ${mtimeMs}`;
    if (!kinds.has(key)) {
      if (kinds.size >= MOST_KEPT) kinds.clear();
      kinds.set(key, read(path, shownPath));
    }
    return kinds.get(key);
  } catch {
    return undefined;
  }
}

function read(path: string, shownPath: string): ProgramKind | undefined {
  let elf: ElfFile;
  try {
    elf = ElfFile.open(path);
  } catch {
    return undefined;
  }
  try {
    const has = (name: string) => elf.section(name) !== undefined;
    const language = languageOf(elf, basename(shownPath));
    return {
      ...(language === undefined ? {} : { language }),
      debugInfo: has('.debug_info') || has('.zdebug_info'),
      is64Bit: elf.header.is64,
      isStatic: !has('.interp'),
    };
  } catch {
    return undefined;
  } finally {
    elf.close();
  }
}

function languageOf(elf: ElfFile, name: string): string | undefined {
  const interpreted = interpreters.find(([pattern]) => pattern.test(name))?.[1];
  if (interpreted !== undefined) return interpreted;
  if (elf.section('.go.buildinfo') !== undefined || elf.section('.note.go.buildid') !== undefined)
    return 'Go';
  const comment = textOf(elf, '.comment');
  if (comment.includes('rustc version')) return 'Rust';
  // DT_NEEDED names lie in .dynstr; a static C++ program has the personality of its unwinder among its symbols
  const needed = textOf(elf, '.dynstr');
  if (/libstd-[0-9a-f]+\.so/.test(needed)) return 'Rust';
  if (/libstdc\+\+\.so|libc\+\+\.so|__gxx_personality/.test(needed)) return 'C++';
  if (/libgo\.so/.test(needed)) return 'Go';
  if (/libgfortran\.so/.test(needed)) return 'Fortran';
  if (elf.section('.interp') === undefined && textOf(elf, '.strtab').includes('__gxx_personality_v0'))
    return 'C++';
  return comment === '' && needed === '' ? undefined : 'C';
}

function textOf(elf: ElfFile, section: string): string {
  const bytes = elf.sectionBytes(section);
  return bytes === undefined ? '' : Buffer.from(bytes.all()).toString('latin1');
}
