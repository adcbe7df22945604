import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { executableOf } from '../../helper/host/processes.ts';
import { filtersSeeReturnProbes, seccompMode } from '../../helper/host/seccomp.ts';
import { OpenBinaries } from '../../helper/symbols/open-binaries.ts';
import { findSubjects } from '../../helper/symbols/lookup.ts';
import { TraceService } from '../../helper/trace-service.ts';
import type { Measure } from '../../protocol/probe.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { runCli, whyNoTracing, type TraceResult } from './support/traced-program.ts';

/** Calls `serve` 500 times a second; with `strict`, under a filter that allows what it needs and ends it for all else. */
const source = `#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
__attribute__((noinline)) int serve(int n) { __asm__ volatile(""); return n + 1; }
int main(int argc, char **argv) {
  struct sock_filter rules[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  if (argc > 1 && !strcmp(argv[1], "strict")) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
  }
  struct timespec pause = {0, 2000000};
  for (int n = 0;; n = serve(n)) nanosleep(&pause, 0);
}
`;

const reason = whyNoTracing();
let folder: string;
let binary: string;
const binaries = new OpenBinaries();
const undo: (() => unknown)[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-safe-'));
  chmodSync(folder, 0o755);
  binary = join(folder, 'serve');
  writeFileSync(`${binary}.c`, source);
  if (reason === undefined) execFileSync('gcc', ['-g', '-O1', '-o', binary, `${binary}.c`]);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function start(path: string, args: readonly string[] = [], uid?: number) {
  const child = spawn(path, [...args], { stdio: 'ignore', ...(uid === undefined ? {} : { uid }) });
  undo.push(() => child.kill('SIGKILL'));
  return child;
}

/** Opens a session on `serve`, as the helper does on a host with this kernel. */
async function trace(
  path: string,
  pid: number | undefined,
  measures: readonly Measure[],
  kernel = release(),
) {
  const snapshots: Snapshot[] = [];
  const service = new TraceService(
    (event, params) => {
      if (event === 'snapshot') snapshots.push(params as Snapshot);
      return true;
    },
    binaries,
    kernel,
  );
  undo.push(() => service.dispose());
  const [subject] = findSubjects(await binaries.open(path), { binary: path, function: 'serve' });
  const { notes } = await service.open(
    {
      session: 's',
      intervalMs: 100,
      probes: [{ id: 1, binary: path, subject: subject!, measures, ...(pid === undefined ? {} : { pid }) }],
    },
    { cancelled: new AbortController().signal },
  );
  const count = () => snapshots.at(-1)?.probes[0]?.count ?? 0;
  await expect.poll(count, { timeout: 10_000 }).toBeGreaterThan(50);
  return { notes, totals: () => snapshots.at(-1)!.probes[0]! };
}

test('under a strict seccomp filter a kernel that shows it return probes gets entries only, and that is said', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const child = start(binary, ['strict']);
  await expect.poll(() => seccompMode(child.pid!)).toBe(2);
  for (const pid of [child.pid!, undefined]) {
    const { notes, totals } = await trace(binary, pid, ['latency'], '6.12.3');
    expect(notes).toEqual([
      { probe: 1, message: expect.stringMatching(/seccomp filter.*counted/) as string },
    ]);
    expect(totals().latency).toBeUndefined();
    await delay(300);
    expect(child.exitCode ?? child.signalCode).toBeNull();
    for (const step of undo.splice(1).reverse()) await step();
  }
});

test('where the kernel lets return probes pass, latency is measured under the filter, and the program lives', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  if (filtersSeeReturnProbes(release(), process.arch)) return ctx.skip(`kernel ${release()} does not`);
  const child = start(binary, ['strict']);
  await expect.poll(() => seccompMode(child.pid!)).toBe(2);
  const { notes, totals } = await trace(binary, child.pid, ['latency']);
  expect(notes).toEqual([]);
  await expect.poll(() => totals().latency?.buckets.length ?? 0).toBeGreaterThan(0);
  await delay(300);
  expect(child.exitCode ?? child.signalCode).toBeNull();
});

test('a program whose file was deleted is traced through its process', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const path = join(folder, 'deleted');
  copyFileSync(binary, path);
  const child = start(path);
  await expect.poll(() => readFileSync(`/proc/${child.pid!}/comm`, 'utf8').trim()).toBe('deleted');
  unlinkSync(path);
  const through = await executableOf(child.pid!);
  expect(through).toBe(`/proc/${child.pid!}/exe`);
  const { totals } = await trace(through!, child.pid, ['latency']);
  await expect.poll(() => totals().latency?.buckets.length ?? 0).toBeGreaterThan(0);
});

test('a setuid program of root that another user runs is traced', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const path = join(folder, 'setuid');
  copyFileSync(binary, path);
  chmodSync(path, 0o4755);
  const child = start(path, [], 65534);
  await expect.poll(() => readFileSync(`/proc/${child.pid!}/comm`, 'utf8').trim()).toBe('setuid');
  await trace(path, child.pid, ['count']);
});

/** Waits for a byte, calls `serve` 1,000 times to a depth of three, and ends: i386, without a C library, which hosts without multilib lack. */
const source32 = `.globl _start
.type serve, @function
serve: push %ebp
  mov %esp, %ebp
  mov 8(%ebp), %eax
  test %eax, %eax
  je 1f
  dec %eax
  push %eax
  call serve
  add $4, %esp
1: pop %ebp
  ret
.size serve, . - serve
_start: mov $3, %eax
  xor %ebx, %ebx
  mov $byte, %ecx
  mov $1, %edx
  int $0x80
  mov $1000, %esi
2: push $2
  call serve
  add $4, %esp
  dec %esi
  jnz 2b
  mov $1, %eax
  xor %ebx, %ebx
  int $0x80
.bss
byte: .skip 1
`;

test('a 32-bit program: each call at each depth, with its callers', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const path = join(folder, 'serve32');
  writeFileSync(`${path}.s`, source32);
  execFileSync('as', ['--32', '-g', '-o', `${path}.o`, `${path}.s`]);
  execFileSync('ld', ['-m', 'elf_i386', '-o', path, `${path}.o`]);
  // what the kernel does not run is handed to a shell, which finds no script
  if (spawnSync(path, { input: 'x' }).status !== 0)
    return ctx.skip('this kernel runs no 32-bit programs (CONFIG_IA32_EMULATION, ia32_emulation=on)');
  const child = spawn(path, { stdio: ['pipe', 'ignore', 'ignore'] });
  undo.push(() => child.kill('SIGKILL'));
  const cli = runCli([
    ...['trace', '--binary', path, '--pid', String(child.pid), '--function', 'serve'],
    ...['--measure', 'latency,callers', '--duration', '60s', '--json'],
  ]);
  await cli.attached;
  child.stdin.end('x');
  const { exitCode, stdout, stderr } = await cli.ended;
  expect(exitCode, stderr).toBe(0);
  const [probe] = (JSON.parse(stdout) as TraceResult).probes;
  expect(probe).toMatchObject({ count: 3000, lost: 0, latencyNs: { returned: 3000 } });
  const depths = probe?.callers?.map(({ stack, count }) => [stack.map((frame) => frame.function), count]);
  expect(depths).toHaveLength(3);
  expect(depths).toEqual(
    expect.arrayContaining([
      [['serve', '_start'], 1000],
      [['serve', 'serve', '_start'], 1000],
      [['serve', 'serve', 'serve', '_start'], 1000],
    ]),
  );
});

test('what traces is not traced', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const service = new TraceService(() => true, binaries);
  undo.push(() => service.dispose());
  const site = { kind: 'entry' as const, symbol: 'main', vaddr: 0x1000, fileOffsetBytes: 0x1000 };
  const subject = { kind: 'function' as const, function: 'main', sites: [site], refused: [] };
  const open = (path: string, pid?: number) =>
    service.open(
      {
        session: `${path} ${pid}`,
        intervalMs: 100,
        probes: [
          { id: 1, binary: path, subject, measures: ['count'], ...(pid === undefined ? {} : { pid }) },
        ],
      },
      { cancelled: new AbortController().signal },
    );
  await expect(open('/usr/bin/bpftrace')).rejects.toMatchObject({ code: 'probe-refused' });
  await expect(open(process.execPath, process.pid)).rejects.toMatchObject({ code: 'probe-refused' });
});
