import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');
const sources = join(repository, 'test/workloads/symbols');
const cache = join(process.env['PROBESCOPE_CACHE'] ?? join(repository, '.cache'), 'symbols-corpus');

/** A binary to compare on. `oracle` is the file llvm-symbolizer reads: LLVM 14 knows no zstd. */
export interface Sample {
  readonly binary: string;
  readonly oracle: string;
}

/** How one sample is built, in a folder of its own. Returns the names of its binary and, where it differs, the oracle's file. */
interface Recipe {
  readonly tools: readonly string[];
  readonly build: (folder: string) => { binary: string; oracle?: string };
}

function run(folder: string, tool: string, ...args: string[]): void {
  execFileSync(tool, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

const inlining = join(sources, 'inlining.cc');
const cpp = ['-std=c++20', '-O2', '-g', '-pthread'];

/** A copy of the program that gcc built: derived samples need no compiler run of their own. */
function copyOfProgram(folder: string, name: string): void {
  copyFileSync(sample('gcc-c++').binary, join(folder, name));
}

function packed(kind: string): Recipe {
  return {
    tools: ['g++', 'objcopy'],
    build: (folder) => {
      copyOfProgram(folder, 'plain');
      run(folder, 'objcopy', `--compress-debug-sections=${kind}`, 'plain', 'packed');
      return { binary: 'packed', oracle: 'plain' };
    },
  };
}

function sqlite(compiler: string, ...options: string[]): Recipe {
  return {
    tools: [compiler, 'npm', 'tar'],
    build: (folder) => {
      const amalgamation = sqliteFolder();
      const files = [join(sources, 'query.c'), join(sources, 'square.c'), join(amalgamation, 'sqlite3.c')];
      run(
        folder,
        compiler,
        '-O2',
        '-g',
        ...options,
        '-I',
        amalgamation,
        '-o',
        'program',
        ...files,
        '-lm',
        '-lpthread',
        '-ldl',
      );
      return { binary: 'program' };
    },
  };
}

/** SQLite's amalgamation, from the npm package that carries it. */
function sqliteFolder(): string {
  const folder = join(cache, 'sqlite');
  const inside = join(folder, 'package/deps/sqlite3');
  if (existsSync(join(inside, 'sqlite3.c'))) return inside;
  mkdirSync(folder, { recursive: true });
  run(folder, 'npm', 'pack', 'better-sqlite3@12');
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  run(folder, 'tar', 'xzf', archive ?? '');
  return inside;
}

export type SampleName =
  | 'gcc-c++'
  | 'clang-c++-split'
  | 'clang-c++-split-dwarf4'
  | 'gcc-c++-types'
  | 'zlib'
  | 'zlib-gnu'
  | 'zstd'
  | 'dwz'
  | 'debuglink'
  | 'go'
  | 'rust'
  | 'sqlite-gcc'
  | 'sqlite-gcc-dwarf4'
  | 'sqlite-gcc-dwarf3'
  | 'sqlite-gcc-dwarf2'
  | 'sqlite-gcc-lto'
  | 'sqlite-clang'
  | 'sqlite-clang-lto';

const recipes: Readonly<Record<SampleName, Recipe>> = {
  'gcc-c++': {
    tools: ['g++'],
    build: (folder) => {
      run(folder, 'g++', ...cpp, '-o', 'program', inlining);
      return { binary: 'program' };
    },
  },
  'clang-c++-split': {
    tools: ['clang++'],
    build: (folder) => {
      run(folder, 'clang++', ...cpp, '-gsplit-dwarf', '-c', '-o', 'program.o', inlining);
      run(folder, 'clang++', '-pthread', '-o', 'program', 'program.o');
      return { binary: 'program' };
    },
  },
  'clang-c++-split-dwarf4': {
    tools: ['clang++'],
    build: (folder) => {
      run(folder, 'clang++', ...cpp, '-gdwarf-4', '-gsplit-dwarf', '-c', '-o', 'program.o', inlining);
      run(folder, 'clang++', '-pthread', '-o', 'program', 'program.o');
      return { binary: 'program' };
    },
  },
  'gcc-c++-types': {
    tools: ['g++'],
    build: (folder) => {
      run(folder, 'g++', ...cpp, '-fdebug-types-section', '-o', 'program', inlining);
      return { binary: 'program' };
    },
  },
  zlib: packed('zlib'),
  'zlib-gnu': packed('zlib-gnu'),
  zstd: packed('zstd'),
  dwz: {
    tools: ['g++', 'dwz'],
    build: (folder) => {
      copyOfProgram(folder, 'program');
      run(folder, 'dwz', 'program');
      return { binary: 'program' };
    },
  },
  debuglink: {
    tools: ['g++', 'objcopy', 'strip'],
    build: (folder) => {
      copyOfProgram(folder, 'program');
      run(folder, 'objcopy', '--only-keep-debug', 'program', 'program.debug');
      run(folder, 'strip', 'program');
      run(folder, 'objcopy', '--add-gnu-debuglink=program.debug', 'program');
      return { binary: 'program' };
    },
  },
  go: {
    tools: ['go'],
    build: (folder) => {
      run(folder, 'go', 'build', '-o', 'program', join(sources, 'web.go'));
      return { binary: 'program' };
    },
  },
  rust: {
    tools: ['rustc'],
    build: (folder) => {
      run(folder, 'rustc', '-O', '-g', '-o', 'program', join(sources, 'shapes.rs'));
      return { binary: 'program' };
    },
  },
  'sqlite-gcc': sqlite('gcc'),
  'sqlite-gcc-dwarf4': sqlite('gcc', '-gdwarf-4'),
  'sqlite-gcc-dwarf3': sqlite('gcc', '-gdwarf-3'),
  'sqlite-gcc-dwarf2': sqlite('gcc', '-gdwarf-2', '-gstrict-dwarf'),
  'sqlite-gcc-lto': sqlite('gcc', '-flto'),
  'sqlite-clang': sqlite('clang'),
  'sqlite-clang-lto': {
    ...sqlite('clang', '-flto', '-fuse-ld=lld'),
    tools: ['clang', 'ld.lld', 'npm', 'tar'],
  },
};

/** Tools that a sample needs and this machine has not. */
export function missingTools(name: SampleName): string[] {
  const wanted = [...recipes[name].tools, 'llvm-symbolizer'];
  return wanted.filter((tool) => !isInstalled(tool));
}

function isInstalled(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, tool)));
}

/** Builds a sample, or takes it from the cache when its sources have not changed. */
export function sample(name: SampleName): Sample {
  const recipe = recipes[name];
  // the recipes as they are written: a function's own text differs between Node and vitest
  const hash = createHash('sha256').update(readFileSync(import.meta.filename));
  for (const file of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, file)));
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`);
  const note = join(folder, '.built');
  if (!existsSync(note)) {
    // Split debug information names the folder it was built in, so it is built in its place.
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { binary, oracle } = recipe.build(folder);
    writeFileSync(note, `${binary}\n${oracle ?? binary}`);
  }
  const [binary = '', oracle = ''] = readFileSync(note, 'utf8').split('\n');
  return { binary: join(folder, binary), oracle: join(folder, oracle) };
}

/** Debian's kernel with debug information, fetched once: 855 MB, 633 MB unpacked. */
export function vmlinux(): string {
  const folder = join(cache, '../debian');
  const inside = join(folder, 'usr/lib/debug/boot');
  const known = existsSync(inside)
    ? readdirSync(inside).find((name) => name.startsWith('vmlinux-'))
    : undefined;
  if (known !== undefined && statSync(join(inside, known)).size > 0) return join(inside, known);
  mkdirSync(folder, { recursive: true });
  const dependency = execFileSync('apt-cache', ['depends', 'linux-image-amd64-dbg'], { encoding: 'utf8' });
  const name = /Depends: (linux-image-\S+-amd64-dbg)/.exec(dependency)?.[1] ?? '';
  run(folder, 'apt-get', 'download', name);
  const archive = readdirSync(folder).find((file) => file.startsWith(name) && file.endsWith('.deb')) ?? '';
  run(
    folder,
    'sh',
    '-c',
    `dpkg-deb --fsys-tarfile '${archive}' | tar x --wildcards './usr/lib/debug/boot/vmlinux-*'`,
  );
  rmSync(join(folder, archive));
  return vmlinux();
}
