import { ProbeError } from '../../protocol/errors.ts';

/** A file whose bytes contradict its format. `section` and `offset` say where, `what` what was found there. */
export function malformed(path: string, section: string, offset: number, what: string): ProbeError {
  return new ProbeError({
    code: 'malformed-file',
    message: `${path} is damaged: ${what} (${section}, offset 0x${Math.max(0, offset).toString(16)}).`,
    remedy: 'Rebuild or reinstall the file, or read it with readelf to see what is left of it.',
  });
}

/** A well-formed file of a kind that is not read. */
export function unsupported(path: string, what: string): ProbeError {
  return new ProbeError({
    code: 'unsupported-file',
    message: `${path}: ${what} is not supported.`,
    remedy:
      'Supported are little-endian ELF files with DWARF 2 to 5 for x86-64 and aarch64 (symbols also for others).',
  });
}

export function notElf(path: string): ProbeError {
  return new ProbeError({
    code: 'not-an-elf-file',
    message: `${path} is not an ELF file.`,
    remedy: 'Give the path of a program, a shared library, a kernel module or a debug file.',
  });
}

/** The node of an error that Node's file functions throw, such as `ENOENT`. */
function errno(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** Turns what `fs` threw for `path` into a ProbeError. */
export function fileProblem(path: string, thrown: unknown): ProbeError {
  if (thrown instanceof ProbeError) return thrown;
  const code = errno(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new ProbeError({
      code: 'file-not-found',
      message: `${path} does not exist.`,
      remedy: 'Check the path; in a container it is below /proc/PID/root.',
    });
  return new ProbeError(
    {
      code: 'file-unreadable',
      message: `${path} cannot be read (${code || String(thrown)}).`,
      remedy: 'Check its permissions, or run the helper as a user who may read it.',
    },
    { cause: thrown },
  );
}
