import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TracefsSession, type TraceEventPlan } from '../../helper/engines/tracefs/session.ts';
import type { TraceRecord } from '../../helper/engines/tracefs/record.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';

const source = `
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) long handle(long id, const char *text, long **chain) {
  asm volatile("" : : "r"(text), "r"(chain) : "memory");
  return id * 2;
}
int main(int argc, char **argv) {
  long count = atol(argv[1]), sum = 0;
  getchar();
  for (long id = 0; id < count; id++) sum += handle(id, argc > 2 ? argv[2] : "hello", 0);
  printf("%ld\\n", sum);
}`;

const tracing = '/sys/kernel/tracing';
let folder: string;
let program: string;
let fileOffsetBytes: number;
const unusable = process.getuid?.() !== 0 ? 'tracefs needs root' : undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-tracefs-'));
  program = join(folder, 'program');
  writeFileSync(join(folder, 'program.c'), source);
  spawnSync('gcc', ['-O2', '-g', '-o', program, join(folder, 'program.c')], { stdio: 'inherit' });
  const elf = ElfFile.open(program);
  const symbol = [...(elf.symbols() ?? [])].find(({ name }) => name === 'handle');
  fileOffsetBytes = elf.fileOffsetOf(symbol?.value ?? 0) ?? 0;
  elf.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = (path = program): TraceEventPlan => ({
  path,
  sites: [{ fileOffsetBytes }],
  arguments: [
    { name: 'id', fetch: { op: 'register', name: 'di' }, stored: { as: 'integer', bytes: 8 } },
    {
      name: 'text',
      fetch: { op: 'memory', base: { op: 'register', name: 'si' }, offsetBytes: 0 },
      stored: { as: 'string' },
    },
  ],
});

async function run(
  path: string,
  ...args: string[]
): Promise<{ child: ChildProcess; finished: Promise<void>; go: () => void }> {
  const child = spawn(path, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  await delay(50);
  const finished = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return { child, finished, go: () => child.stdin.end('\n') };
}

const ours = (token: string): string[] => [
  ...readFileSync(`${tracing}/uprobe_events`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(token)),
  ...readdirSync(`${tracing}/instances`).filter((name) => name.includes(token)),
];

describe.skipIf(unusable !== undefined)(
  `tracefs session${unusable === undefined ? '' : ` (${unusable})`}`,
  () => {
    it('delivers every one of 100,000 hits in order and leaves nothing behind', async () => {
      const { child, finished, go } = await run(program, '100000');
      const session = await TracefsSession.open({
        elevate: [],
        ...(child.pid === undefined ? {} : { pid: child.pid }),
      });
      const records: TraceRecord[] = [];
      const event = await session.attach(plan(), (record) => records.push(record));
      expect(ours(session.supervisor.group)).toHaveLength(2);
      go();
      await finished;
      const counts = await session.drain();
      expect(await event.hits()).toEqual([100_000]);
      expect(counts).toEqual({ read: 100_000, unreadable: 0, lost: 0, pending: 0 });
      expect(records.every(({ values }, index) => values[0] === BigInt(index))).toBe(true);
      expect(await session.close()).toEqual({ removed: true });
      expect(ours(session.supervisor.group)).toEqual([]);
    });

    it('catches up with what was there while more comes', async () => {
      const session = await TracefsSession.open({ elevate: [] });
      const { child, finished, go } = await run(program, '1000000000');
      try {
        let records = 0;
        await session.attach(plan(), () => records++);
        go();
        await expect.poll(() => records).toBeGreaterThan(1000);
        const { read } = await session.counts();
        const counts = await session.caughtUp(2000);
        expect(counts.read).toBeGreaterThan(read);
        // it goes on: this has not waited for an end
        expect(child.exitCode).toBeNull();
      } finally {
        child.kill('SIGKILL');
        await finished;
        await session.close();
      }
    });

    it('takes a path with blanks, colons and quotes', async () => {
      const odd = join(folder, `a b:c "d" #e'f`);
      mkdirSync(odd);
      const path = join(odd, 'program');
      copyFileSync(program, path);
      const { finished, go } = await run(path, '3');
      const session = await TracefsSession.open({ elevate: [] });
      const records: TraceRecord[] = [];
      await session.attach(plan(path), (record) => records.push(record));
      go();
      await finished;
      await session.drain();
      await session.close();
      expect(records.map(({ values }) => values[0])).toEqual([0n, 1n, 2n]);
    });

    it('is not deceived by strings that look like records', async () => {
      const hostile =
        'x" v0_0=7\n  sh-1 [000] DBZff 1.000000: e1_00: (0x1) v0_00=99 v1_00="y\n[LINE TOO BIG]\nCPU:0 [LOST 5 EVENTS]';
      const { finished, go } = await run(program, '2', hostile);
      const session = await TracefsSession.open({ elevate: [] });
      const records: TraceRecord[] = [];
      await session.attach(plan(), (record) => records.push(record));
      go();
      await finished;
      const counts = await session.drain();
      await session.close();
      expect(records.map(({ values }) => String(values[1]))).toEqual([hostile, hostile]);
      expect(counts).toMatchObject({ read: 2, unreadable: 0, lost: 0 });
    });

    it('counts the hits of each site of an event', async () => {
      const { finished, go } = await run(program, '1000');
      const session = await TracefsSession.open({ elevate: [] });
      const event = await session.attach({ ...plan(), filter: '$0 < 10' }, () => undefined);
      go();
      await finished;
      const counts = await session.drain();
      expect(await event.hits()).toEqual([1000]);
      expect(counts.read).toBe(10);
      await session.close();
    });

    it('says why the kernel refuses', async () => {
      const session = await TracefsSession.open({ elevate: [] });
      await expect(session.attach(plan(join(folder, 'missing')), () => undefined)).rejects.toMatchObject({
        code: 'probe-refused',
      });
      await session.close();
    });

    for (const victims of ['owner', 'supervisor', 'everything'] as const)
      it(`leaves nothing behind when SIGKILL takes the ${victims}`, async () => {
        const { owner, group, supervisor } = await startOwner();
        expect(ours(group)).toHaveLength(2);
        const all = [owner.pid ?? 0, ...descendants(owner.pid ?? 0).filter((pid) => !isReader(pid))];
        const targets = { owner: [owner.pid ?? 0], supervisor: [supervisor], everything: all }[victims];
        for (const pid of targets) process.kill(pid, 'SIGKILL');
        if (victims === 'everything') {
          expect(ours(group)).toHaveLength(2);
          // The next session sweeps.
          await (await TracefsSession.open({ elevate: [] })).close();
        }
        for (let wait = 0; wait < 100 && ours(group).length > 0; wait++) await delay(20);
        expect(ours(group)).toEqual([]);
        if (victims === 'supervisor') owner.kill('SIGKILL');
      });
  },
);

/** Another process that attaches a probe and stays. */
async function startOwner(): Promise<{ owner: ChildProcess; group: string; supervisor: number }> {
  const script = join(folder, 'owner.mts');
  const engine = join(import.meta.dirname, '../../helper/engines/tracefs/session.ts');
  writeFileSync(
    script,
    `import { TracefsSession } from ${JSON.stringify(engine)};
     const session = await TracefsSession.open({ elevate: [] });
     await session.attach(${JSON.stringify(plan())}, () => undefined);
     console.log(session.supervisor.group);
     setInterval(() => undefined, 1000);`,
  );
  const owner = spawn(process.execPath, ['--no-warnings', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const group = await new Promise<string>((resolve) =>
    owner.stdout.once('data', (text) => resolve(String(text).trim())),
  );
  return { owner, group, supervisor: Number(group.split('_')[2]) };
}

function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .filter((name) => {
      try {
        return (
          Number(
            readFileSync(`/proc/${name}/stat`, 'utf8')
              .replace(/.*\) \S /s, '')
              .split(' ')[0],
          ) === pid
        );
      } catch {
        return false;
      }
    })
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function isReader(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('trace_pipe\0');
}
