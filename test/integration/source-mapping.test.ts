// Which binary a source file belongs to, where it was built in another place: real compilers, real disks, the helper's search.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBinaries } from '../../helper/host/binaries.ts';
import { sourceNotes } from '../../cli/resolve.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import type { PrefixRule } from '../../protocol/source-path.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-mapping-'));
const built = join(folder, 'build');
const checkout = join(folder, 'home/proj');
const programs = join(folder, 'bin');

const noClang = spawnSync('clang', ['--version']).error === undefined ? undefined : 'clang is not installed';

function compile(source: string, output: string, ...options: string[]): void {
  const { status, stderr } = spawnSync('clang', ['-g', '-gdwarf-5', ...options, source, '-o', output], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

/** Of the binaries below `bin`, in order: name, match, and whether the source is another than the binary's. */
async function found(file: string, sourceMap: readonly PrefixRule[] = []): Promise<string[]> {
  const candidates = await findBinaries({ file, folders: [programs], sourceMap });
  return candidates
    .filter(({ binary }) => binary.startsWith(programs))
    .map(
      ({ binary, match, stale, mixed }) =>
        `${binary.slice(programs.length + 1)} ${match}${stale ? ' stale' : ''}${mixed ? ' mixed' : ''}`,
    );
}

beforeAll(() => {
  if (noClang !== undefined) return;
  for (const path of [join(built, 'app'), join(built, 'other'), programs, join(folder, 'home')])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(built, 'app/list.h'), 'static inline int twice(int a) { return 2 * a; }\n');
  writeFileSync(
    join(built, 'app/main.c'),
    '#include "list.h"\nint main(int argc, char **argv) { return twice(argc); }\n',
  );
  writeFileSync(join(built, 'other/main.c'), 'int main(void) { return 7; }\n');
  compile(join(built, 'app/main.c'), join(programs, 'app'), '-O0');
  compile(join(built, 'other/main.c'), join(programs, 'other'), '-O0');
  cpSync(built, checkout, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the binary of a source file', () => {
  it('is the one compiled from that path, before one from a file of the same name', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    expect(await found(join(built, 'app/main.c'))).toEqual(['app path']);
    expect(await found(join(built, 'app/../app/./main.c'))).toEqual(['app path']);
  });

  it('is known by its content in another checkout, however new its files are', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const moved = join(folder, 'elsewhere.main');
    mkdirSync(moved);
    cpSync(join(built, 'app/main.c'), join(moved, 'main.c'));
    const later = new Date(Date.now() + 3_600_000);
    utimesSync(join(moved, 'main.c'), later, later);
    expect(await found(join(moved, 'main.c'))).toEqual(['app content']);
    writeFileSync(join(moved, 'main.c'), 'int main(void) { return 1; }\n');
    expect(await found(join(moved, 'main.c'))).toEqual([]);
  });

  it('is known by the longest common end of the path when it was changed, and told to be older', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    writeFileSync(join(checkout, 'app/main.c'), '#include "list.h"\nint main(void) { return twice(3); }\n');
    expect(await found(join(checkout, 'app/main.c'))).toEqual(['app suffix stale']);
  });

  it('is found by the source map', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const renamed = join(folder, 'renamed');
    cpSync(join(built, 'app'), renamed, { recursive: true });
    writeFileSync(join(renamed, 'main.c'), 'int main(void) { return 2; }\n');
    expect(await found(join(renamed, 'main.c'))).toEqual([]);
    expect(await found(join(renamed, 'main.c'), [{ from: join(built, 'app'), to: renamed }])).toEqual([
      'app mapped stale',
    ]);
  });

  it('is found through symbolic links, from either side', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const link = join(folder, 'link');
    symlinkSync(join(built, 'app'), link);
    expect(await found(join(link, 'main.c'))).toEqual(['app path']);
    compile(join(link, 'main.c'), join(programs, 'linked'), '-O0');
    expect((await found(join(built, 'app/main.c'))).sort()).toEqual(['app path', 'linked path']);
    rmSync(join(programs, 'linked'));
  });

  it('is found under a name in other letters, as a file system that ignores case has it', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const upper = join(folder, 'upper/APP');
    mkdirSync(upper, { recursive: true });
    cpSync(join(built, 'app/main.c'), join(upper, 'MAIN.C'));
    expect(await found(join(upper, 'MAIN.C'))).toEqual(['app content']);
  });

  it('is told to hold several versions of a header when its units were not compiled alike', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const mixed = join(folder, 'mixed');
    mkdirSync(mixed);
    const header = join(mixed, 'shared.h');
    const source = (name: string): string => {
      const path = join(mixed, `${name}.c`);
      writeFileSync(path, `#include "shared.h"\nint ${name}(void) { return value(); }\n`);
      return path;
    };
    writeFileSync(header, 'static int value(void) { return 1; }\n');
    compile(source('one'), join(mixed, 'one.o'), '-c');
    writeFileSync(header, 'static int value(void) { return 2222; }\n');
    compile(source('main'), join(mixed, 'main.o'), '-c');
    compile(join(mixed, 'one.o'), join(programs, 'mixed'), join(mixed, 'main.o'));
    expect(await found(header)).toEqual(['mixed path mixed']);
  });

  it('is said in full sentences on the command line, with the other files that fit as well', async (ctx) => {
    if (noClang !== undefined) return ctx.skip(noClang);
    const tree = join(folder, 'notes');
    for (const part of ['a', 'b']) {
      mkdirSync(join(tree, part), { recursive: true });
      writeFileSync(join(tree, part, 'unit.c'), `int unit_${part}(void) { return 1; }\n`);
      compile(join(tree, part, 'unit.c'), join(tree, `${part}.o`), '-c');
    }
    const binary = join(tree, 'both.so');
    compile(join(tree, 'a.o'), binary, join(tree, 'b.o'), '-shared');
    const info = await DebugInfo.open(binary);
    const notes = (asked: string): string[] => sourceNotes(binary, info.lineSites(asked, 1), asked);
    const a = join(tree, 'a/unit.c');
    expect(notes('unit.c')).toEqual([
      `unit.c fits other files of this binary as well: ${a}; give more of the path`,
    ]);
    expect(notes('a/unit.c')).toEqual([]);
    writeFileSync(a, 'int unit_a(void) { return 2; }\n');
    expect(notes(a)).toEqual([`${a} is newer than ${binary}: lines may have moved; rebuild it`]);
    info.close();
  });
});
