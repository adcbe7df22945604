import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import * as vm from 'node:vm';
import * as zlib from 'node:zlib';
import { compiledCodeFolder } from '../extension/core/compiled-code.ts';

/**
 * V8 looks through a heap that has grown by 1 MB as soon as it lies idle, 8 s after the start, to give memory back: 35 ms of CPU time for 8 MB, of a command that ends
 * soon. Older ones do not know the flag. It is set before anything is compiled, for code is kept by flags.
 */
const LEAVE_SMALL_HEAPS = '--no-memory-reducer-for-small-heaps';
const LEAVES_SMALL_HEAPS = 13;

const PREFIX = 'cli-';
/** Code that is older is made anew: so what a removed installation left goes in time. */
const KEPT_DAYS = 30;

type CommonJs = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  filename: string,
  folder: string,
) => void;

/** What V8 compiled of a file, and where that is kept. */
interface Kept {
  readonly path: string;
  /** The file as it was then, and what it was compiled by. V8 itself compares no more than the source's length. */
  readonly of: string;
  readonly code: Buffer | undefined;
}

/**
 * Runs a bundle (a function, see `scripts/build.ts`) with what V8 compiled of it for the last run of this `command`, functions that are compiled when they
 * are first called included. Those are a quarter of what a short command costs, and Node's own cache (`module.enableCompileCache`)
 * leaves them out: it is made before anything runs. The first run that succeeds keeps its code, in a file for each command of each installation.
 */
export function runCompiled(file: string, command: string): void {
  if (Number.parseInt(process.versions.v8) >= LEAVES_SMALL_HEAPS) setFlagsFromString(LEAVE_SMALL_HEAPS);
  const kept = keptCode(file, command);
  const script = new vm.Script(readFileSync(file, 'utf8'), {
    filename: file,
    ...(kept?.code === undefined ? {} : { cachedData: kept.code }),
  });
  if (kept !== undefined && (kept.code === undefined || script.cachedDataRejected === true))
    process.once('exit', (exitCode) => {
      if (exitCode === 0) keep(kept, script.createCachedData());
    });
  const main = script.runInThisContext() as CommonJs;
  main({}, createRequire(file), {}, file, dirname(file));
}

/** Undefined where nothing can be kept: on a Node before 20.15 and 22.2, or without a folder of the user's own. */
function keptCode(file: string, command: string): Kept | undefined {
  const folder = compiledCodeFolder();
  if (folder === undefined || !('crc32' in zlib)) return undefined;
  const installation = zlib.crc32(file).toString(16);
  const path = join(folder, `${PREFIX}${command}-${installation}-${process.version}-${process.arch}`);
  const { ino, size, ctimeNs } = statSync(file, { bigint: true });
  const of = `${file} ${ino} ${size} ${ctimeNs}`;
  return { path, of, code: readKept(path, of) };
}

/** The file's first line tells what the code is of, and its CRC-32: V8 would run damaged code. */
function readKept(path: string, of: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const end = bytes.indexOf('\n');
    const code = bytes.subarray(end + 1);
    return bytes.toString('utf8', 0, end) === `${of} ${zlib.crc32(code)}` ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody misses it where it cannot be written. */
function keep({ path, of }: Kept, code: Buffer): void {
  const partial = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(partial, Buffer.concat([Buffer.from(`${of} ${zlib.crc32(code)}\n`), code]), {
      mode: 0o600,
    });
    renameSync(partial, path);
    removeOld(dirname(path));
  } catch {
    // a full or read-only disk
  }
}

function removeOld(folder: string): void {
  const oldest = Date.now() - KEPT_DAYS * 86_400_000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(PREFIX) && statSync(path).mtimeMs < oldest) unlinkSync(path);
  }
}
