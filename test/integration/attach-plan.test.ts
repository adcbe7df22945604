import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TracefsSession } from '../../helper/engines/tracefs/session.ts';
import { exitsOf } from '../../helper/symbols/exits.ts';
import { findSubjects, functionSubject } from '../../helper/symbols/lookup.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';

/** Inlined into each other, into loops, into both arms of a condition, and into a virtual method; each counts its calls. */
const source = `
#include <cstdio>
#include <cstdlib>
#include <vector>
static volatile long counts[8];
static inline __attribute__((always_inline)) long leaf(long x) { counts[0] = counts[0] + 1; return x * 3 ^ 5; }
static inline __attribute__((always_inline)) long twice(long x) { counts[1] = counts[1] + 1; return leaf(x) + leaf(x + 1); }
struct Shape { virtual ~Shape() = default; virtual long area(long x) const = 0; };
static inline __attribute__((always_inline)) long clamp(long x) { counts[2] = counts[2] + 1; return x > 100 ? 100 : x; }
struct Square : Shape { long area(long x) const override { return clamp(x) + leaf(x); } };
struct Round : Shape { long area(long x) const override { return x & 2 ? clamp(x) : twice(x); } };
template <int N> static inline __attribute__((always_inline)) long scaled(long x) { counts[3] = counts[3] + 1; long s = 0; for (int i = 0; i < N; i++) s += leaf(x + i); return s; }
int main(int argc, char **argv) {
  long rounds = atol(argv[1]), sum = 0;
  std::vector<Shape *> shapes{new Square, new Round};
  getchar();
  for (long i = 0; i < rounds; i++) {
    sum += shapes[i % 2]->area(i);
    if (i % 3 == 0) sum += scaled<3>(i); else sum += scaled<2>(i) + clamp(i);
    while (sum > 1000) { sum = sum / 7 + clamp(sum); if (sum % 5 == 0) break; }
  }
  printf("%ld %ld %ld %ld %ld\\n", sum, counts[0], counts[1], counts[2], counts[3]);
}`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-plan-'));
  writeFileSync(join(folder, 'inlined.cpp'), source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Hits of all copies of each function while the program runs, and what the program prints. */
async function countCalls(
  program: string,
  args: string[],
  functions: string[],
): Promise<{ hits: number[]; copies: number[]; output: string }> {
  const debug = await DebugInfo.open(program);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => (output += String(text)));
  await delay(100);
  const session = await TracefsSession.open({ elevate: [] });
  const events = [];
  for (const name of functions) {
    const sites = debug.functionsNamed(name).flatMap((info) => functionSubject(debug, info).sites);
    // Nothing passes the filter: only the kernel's own count is wanted.
    events.push(
      await session.attach(
        { path: program, sites, arguments: [], filter: 'common_pid == 0' },
        () => undefined,
      ),
    );
  }
  child.stdin.end('\n');
  await new Promise((resolve) => child.on('close', resolve));
  const hits = await Promise.all(events.map((event) => event.hits()));
  expect(await session.close()).toEqual({ removed: true });
  debug.close();
  return {
    hits: hits.map((each) => each.reduce((sum, count) => sum + count, 0)),
    copies: hits.map((each) => each.length),
    output,
  };
}

describe.skipIf(process.getuid?.() !== 0)('every copy of an inlined function is counted (needs root)', () => {
  for (const [compiler, level] of [
    ['g++', '-O2'],
    ['g++', '-O3'],
    ['clang++', '-O2'],
    ['g++', '-Og'],
  ] as const)
    it(`${compiler} ${level}`, async (ctx) => {
      const program = join(folder, `inlined${compiler}${level}`);
      const built = spawnSync(compiler, ['-g', level, '-o', program, join(folder, 'inlined.cpp')], {
        stdio: 'inherit',
      });
      if (built.error !== undefined) return ctx.skip(`${compiler} is not installed`);
      const { hits, copies, output } = await countCalls(
        program,
        ['5000'],
        ['leaf', 'twice', 'clamp', 'scaled'],
      );
      const counted = output.trim().split(' ').slice(1).map(Number);
      // LLVM folds the unrolled bodies of the loop in `scaled` together and keeps the place of one of them only.
      if (compiler === 'clang++') expect(hits.slice(1)).toEqual(counted.slice(1));
      else expect(hits).toEqual(counted);
      expect(copies[0]).toBeGreaterThan(3);
    });

  it('the shop, clones and recursion too', async (ctx) => {
    try {
      buildWorkload('shop');
    } catch (error) {
      return ctx.skip(String(error));
    }
    const names = ['clamp_price', 'render_tree', 'checksum', 'parse_request', 'route', 'cache_get'];
    const { hits, output } = await countCalls(
      programOf('shop'),
      ['--wait', '--requests', '20', '--rate', '100000'],
      names,
    );
    const line = output.split('\n').find((text) => text.startsWith('{')) ?? '{}';
    const { functions } = JSON.parse(line) as { functions: Record<string, { count: number }> };
    expect(Object.fromEntries(names.map((name, index) => [name, hits[index]]))).toEqual(
      Object.fromEntries(names.map((name) => [name, functions[name]?.count])),
    );
  });
});

describe('attach plans', () => {
  it('name the targets of an indirect function instead of its resolver', async () => {
    const program = join(folder, 'ifunc');
    writeFileSync(
      join(folder, 'ifunc.c'),
      `#include <stdio.h>
       __attribute__((target_clones("avx2", "default"), noinline)) int sum(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
       static int one(int x) { return x + 1; } static int two(int x) { return x + 2; }
       static int (*pick(void))(int) { return __builtin_cpu_supports("sse2") ? one : two; }
       int chosen(int) __attribute__((ifunc("pick")));
       int main(int argc, char **argv) { int a[9] = {argc}; printf("%d\\n", sum(a, 9) + chosen(argc)); }`,
    );
    spawnSync('gcc', ['-g', '-O2', '-o', program, join(folder, 'ifunc.c')], { stdio: 'inherit' });
    const debug = await DebugInfo.open(program);
    const traced = (name: string): string[] =>
      findSubjects(debug, { binary: program, function: name }).flatMap(({ sites }) =>
        sites.map(({ kind, symbol }) => `${kind} ${symbol}`),
      );
    expect(traced('chosen').sort()).toEqual(['ifunc-target one', 'ifunc-target two']);
    expect(traced('sum').sort()).toEqual([
      expect.stringMatching(/^entry sum\.avx2/),
      expect.stringMatching(/^entry sum\.default/),
    ]);
    // the resolver has a name of its own in the source, and is meant by it
    expect(traced('pick')).toEqual(['entry pick']);
    debug.close();
    const stripped = join(folder, 'ifunc-stripped');
    spawnSync('gcc', ['-shared', '-fPIC', '-s', '-O2', '-o', stripped, join(folder, 'ifunc.c')]);
    const library = await DebugInfo.open(stripped);
    const [subject] = findSubjects(library, { binary: stripped, function: 'chosen' });
    expect(subject?.sites.map(({ kind }) => kind)).toEqual(['ifunc-target', 'ifunc-target']);
    for (const { countedOnly } of subject?.sites ?? [])
      expect(countedOnly).toMatch(/No symbol names its entry/);
    library.close();
  });

  it('see tail calls, and do not take loops for them', async () => {
    const program = join(folder, 'tail');
    writeFileSync(
      join(folder, 'tail.c'),
      `__attribute__((noinline)) int callee(int x) { return x * 2; }
       __attribute__((noinline)) int jumps(int x) { for (int i = 0; i < x; i++) __asm__ volatile(""); return callee(x + 1); }
       __attribute__((noinline)) int returns(int x) { __asm__ volatile(""); return callee(x) + 1; }
       int main(int c, char **v) { return jumps(c) + returns(c); }`,
    );
    spawnSync('gcc', ['-g', '-O2', '-o', program, join(folder, 'tail.c')], { stdio: 'inherit' });
    const debug = await DebugInfo.open(program);
    const exits = (name: string): string[] =>
      debug
        .functionsNamed(name)
        .flatMap(({ bodies }) => bodies)
        .flatMap(({ ranges }) => exitsOf(debug.elf, ranges).map(({ kind }) => kind));
    expect(exits('jumps')).toEqual(['tail-call']);
    expect(exits('returns')).toEqual(['return']);
    debug.close();
  });

  it('take the RET instructions of Go', async (ctx) => {
    writeFileSync(
      join(folder, 'main.go'),
      `package main\n//go:noinline\nfunc pick(x int) int { if x > 3 { return x }; println(x); return x * 2 }\nfunc main() { println(pick(2) + pick(5)) }\n`,
    );
    const program = join(folder, 'gone');
    const built = spawnSync('go', ['build', '-o', program, join(folder, 'main.go')], {
      env: { ...process.env, GOCACHE: join(folder, 'cache'), GOFLAGS: '-mod=mod', GO111MODULE: 'off' },
      stdio: 'inherit',
    });
    if (built.status !== 0) return ctx.skip('go is not installed');
    const debug = await DebugInfo.open(program);
    const [info] = debug.functionsNamed('main.pick');
    const subject = info && functionSubject(debug, info);
    const text = spawnSync('objdump', ['-d', program, '--disassemble=main.pick'], {
      encoding: 'utf8',
    }).stdout;
    const rets = [...text.matchAll(/^ +([0-9a-f]+):.*\tret/gm)].map(([, address]) =>
      parseInt(address ?? '', 16),
    );
    expect(subject?.bounds?.exits.map(({ vaddr }) => vaddr)).toEqual(rets);
    debug.close();
  });
});
