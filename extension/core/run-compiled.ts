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
import * as vm from 'node:vm';
import * as zlib from 'node:zlib';
import { compiledCodeFolder } from './compiled-code.ts';

const SUFFIX = '.code';
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

export interface Compiled {
  readonly exports: unknown;
  /** Keeps what is compiled by now for the next run, unless there was something kept for this one. */
  readonly keep: () => void;
}

/**
 * Runs a bundle (a function of what CommonJS hands a module, see `scripts/build.ts`) with what V8 compiled of it for the last run of this `name`, functions that
 * are compiled when they are first called included. Those are half of what it costs to load, and Node's own cache (`module.enableCompileCache`)
 * leaves them out: it is made before anything runs. There is a file for each name of each installation.
 */
export function runCompiled(file: string, name: string): Compiled {
  const kept = keptCode(file, name);
  const script = new vm.Script(readFileSync(file, 'utf8'), {
    filename: file,
    ...(kept?.code === undefined ? {} : { cachedData: kept.code }),
  });
  const isNew = kept?.code === undefined || script.cachedDataRejected === true;
  const module = { exports: {} };
  const main = script.runInThisContext() as CommonJs;
  main(module.exports, createRequire(file), module, file, dirname(file));
  return {
    exports: module.exports,
    keep: () => {
      if (kept !== undefined && isNew) keep(kept, script.createCachedData());
    },
  };
}

/** Undefined where nothing can be kept: on a Node before 20.15 and 22.2, or without a folder of the user's own. */
function keptCode(file: string, name: string): Kept | undefined {
  const folder = compiledCodeFolder();
  if (folder === undefined || !('crc32' in zlib)) return undefined;
  const installation = zlib.crc32(file).toString(16);
  const path = join(folder, `${name}-${installation}-${process.version}-${process.arch}${SUFFIX}`);
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
    if (name.endsWith(SUFFIX) && statSync(path).mtimeMs < oldest) unlinkSync(path);
  }
}
