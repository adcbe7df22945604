// Known disk and system-call workloads, counted by us, by bpftrace and by perf trace at the same time.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TestContext, afterAll, describe, expect, it } from 'vitest';
import { readColumn } from '../../../helper/sources/columns.ts';
import { EventsService } from '../../../helper/sources/service.ts';
import { asProblem } from '../../../protocol/errors.ts';
import type { EventRows, EventsSpec, StreamSchema, StreamState } from '../../../protocol/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-events-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Row = Record<string, number | bigint | string>;

class Recorder {
  readonly batches: EventRows[] = [];
  states: StreamState[] = [];
  readonly service = new EventsService({
    emit: (event, params) => {
      if (event === 'eventRows') this.batches.push(params as EventRows);
      if (event === 'eventsState' && 'state' in params) this.states.push(params.state);
    },
  });

  async start(
    ctx: TestContext,
    spec: Omit<EventsSpec, 'stream' | 'mode'> & Partial<EventsSpec>,
  ): Promise<StreamSchema> {
    try {
      return await this.service.startEvents({ stream: 'test', mode: { kind: 'each' }, ...spec });
    } catch (thrown) {
      const { code, message } = asProblem(thrown);
      if (code === 'no-privileges' || code === 'engine-missing') return ctx.skip(message);
      throw thrown;
    }
  }

  rows(schema: StreamSchema): Row[] {
    const texts: string[] = [];
    return this.batches.flatMap((batch) => {
      texts.push(...batch.texts);
      const columns = schema.columns.map((column, index) =>
        readColumn(column.column, batch.data[index] ?? '', texts),
      );
      return Array.from({ length: batch.rows }, (_, row) =>
        Object.fromEntries(schema.columns.map((column, index) => [column.name, columns[index]?.[row] ?? ''])),
      );
    });
  }
}

/** A shell that waits for a line before it works, so that everybody is attached by then. */
function waitingShell(script: string) {
  const child = spawn('/bin/sh', ['-c', `read -r go; ${script}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return { pid: child.pid ?? 0, go: () => child.stdin.end('go\n'), ended };
}

function instancesOfOurs(): string[] {
  const root = '/sys/kernel/tracing/instances';
  return existsSync(root) ? readdirSync(root).filter((name) => name.includes(`_${process.pid}_`)) : [];
}

describe('events of a known workload', () => {
  it('are all there, as bpftrace counts them, with arguments, results and durations', async (ctx) => {
    const recorder = new Recorder();
    const work = waitingShell(
      `i=0; while [ $i -lt 200 ]; do i=$((i+1)); [ -e /nonexistent/$i ]; cd /nonexistent/$i 2>/dev/null; done; exit 0`,
    );
    const script = `tracepoint:syscalls:sys_enter_chdir /pid == ${work.pid}/ { @calls = count(); }`;
    const peer = spawn('bpftrace', ['-e', script]);
    let printed = '';
    peer.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    peer.on('error', () => (printed = 'missing'));
    while (!printed.includes('Attaching') && printed !== 'missing' && peer.exitCode === null) await delay(50);
    await delay(1000);
    const schema = await recorder.start(ctx, { sources: ['syscall:chdir'], pid: work.pid });
    work.go();
    await work.ended;
    const counts = await recorder.service.stopEvents({ stream: 'test' });
    peer.kill('SIGINT');
    await new Promise((resolve) => peer.on('close', resolve));
    const rows = recorder.rows(schema);
    expect(counts).toEqual({ received: 200, lost: 0, sampledOut: 0, missedEntries: 0 });
    expect(rows).toHaveLength(200);
    for (const row of rows) expect(row).toMatchObject({ ret: -2n, tid: work.pid, event: 0 });
    expect(rows.every((row) => Number(row['duration']) > 0 && Number(row['duration']) < 1e9)).toBe(true);
    const times = rows.map((row) => Number(row['time']));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    if (printed !== 'missing') expect(printed).toContain('@calls: 200');
    expect(instancesOfOurs()).toEqual([]);
  });

  it('pass the same filter in the kernel, in bpftrace and in perf', async (ctx) => {
    const file = join(folder, 'disk');
    const filter = `bytes > 65536 && rwbs ~ "*W*"`;
    const all = new Recorder();
    const some = new Recorder();
    const schema = await all.start(ctx, { sources: ['tracepoint:block:block_rq_issue'] });
    const filtered = await some.start(ctx, { sources: ['tracepoint:block:block_rq_issue'], filter });
    const perfText = filtered.commands.find(({ tool }) => tool === 'perf')?.text;
    expect(perfText).toBe(`perf trace -e block:block_rq_issue --filter 'bytes > 65536 && rwbs ~ "*W*"' -a`);
    execFileSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', 'count=24', 'oflag=direct'], {
      stdio: 'ignore',
    });
    execFileSync('dd', ['if=/dev/zero', `of=${file}.small`, 'bs=4k', 'count=50', 'oflag=direct'], {
      stdio: 'ignore',
    });
    await all.service.stopEvents({ stream: 'test' });
    await some.service.stopEvents({ stream: 'test' });
    const mine = some.rows(filtered);
    // The two streams did not start and stop in the same instant: what was written before and after dd is left out. In
    // between all writers count, for a request that waited for a free tag is issued by whoever the kernel is working for.
    // Requests of two CPUs in the same instant may stand in either order.
    const fromDdToDd = (rows: readonly Record<string, unknown>[]) => {
      const times = rows.filter((row) => row['comm'] === 'dd').map((row) => Number(row['time']));
      const [first, last] = [Math.min(...times), Math.max(...times)];
      return rows
        .filter((row) => Number(row['time']) >= first && Number(row['time']) <= last)
        .map((row) => Number(row['sector']))
        .sort((one, other) => one - other);
    };
    const written = all.rows(schema).filter((row) => String(row['rwbs']).includes('W'));
    const within = written.filter((row) => Number(row['bytes']) > 65536);
    expect(fromDdToDd(mine)).toEqual(fromDdToDd(within));
    expect(fromDdToDd(mine).length).toBeGreaterThan(0);
    const bytesOf = (rows: readonly Record<string, unknown>[]) =>
      rows.reduce((sum, row) => sum + Number(row['bytes']), 0);
    // where free space lies in pieces, some requests are smaller than the filter wants
    expect(bytesOf(written)).toBeGreaterThanOrEqual(24 * 2 ** 20);
    expect(bytesOf(mine)).toBeGreaterThan(12 * 2 ** 20);
    expect(bytesOf(mine.filter((row) => row['comm'] === 'dd'))).toBeLessThanOrEqual(24 * 2 ** 20);
  });

  it('runs the copied shell lines and perf command in a terminal with the same result', async (ctx) => {
    const recorder = new Recorder();
    const work = waitingShell(
      'i=0; while [ $i -lt 40 ]; do i=$((i+1)); cd /nonexistent/$i 2>/dev/null; done; exit 0',
    );
    const schema = await recorder.start(ctx, {
      sources: ['tracepoint:syscalls:sys_exit_chdir'],
      filter: 'ret == -2',
      pid: work.pid,
    });
    const perf = schema.commands.find(({ tool }) => tool === 'perf')?.text ?? '';
    const [, ...words] = perf.split(' ');
    expect(words.join(' ')).toBe(`trace -e syscalls:sys_exit_chdir --filter 'ret == -2' -p ${work.pid}`);
    const peer = spawn('/bin/sh', ['-c', `exec ${perf}`]);
    let printed = '';
    peer.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await delay(2500);
    work.go();
    await work.ended;
    await new Promise((resolve) => peer.on('close', resolve));
    await recorder.service.stopEvents({ stream: 'test' });
    expect(recorder.rows(schema)).toHaveLength(40);
    if (/No such file|not found/.test(printed))
      return ctx.skip('perf is not installed: apt-get install linux-perf');
    expect(printed.match(/syscalls:sys_exit_chdir/g)).toHaveLength(40);
  });

  it('stops after N, samples 1 in N, and counts what it left out', async (ctx) => {
    const first = new Recorder();
    const work = waitingShell(
      'i=0; while [ $i -lt 100 ]; do i=$((i+1)); cd /nonexistent/$i 2>/dev/null; done; exit 0',
    );
    const sampled = new Recorder();
    const schema = await first.start(ctx, {
      sources: ['syscall:chdir'],
      pid: work.pid,
      mode: { kind: 'first', rows: 7 },
    });
    await sampled.start(ctx, {
      sources: ['syscall:chdir'],
      pid: work.pid,
      mode: { kind: 'sample', every: 10 },
    });
    work.go();
    await work.ended;
    const counts = await sampled.service.stopEvents({ stream: 'test' });
    while (first.states.length === 0) await delay(20);
    expect(first.rows(schema)).toHaveLength(7);
    expect(counts).toMatchObject({ received: 10, sampledOut: 90, lost: 0 });
  });

  it('refuses a filter that does not fit, and leaves nothing in tracefs', async (ctx) => {
    const recorder = new Recorder();
    await expect(
      recorder.start(ctx, { sources: ['tracepoint:block:block_rq_issue'], filter: 'byte > 1' }),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('no field “byte”') as unknown,
    });
    await expect(recorder.start(ctx, { sources: ['tracepoint:block:nothing_here'] })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    await expect(recorder.start(ctx, { sources: ['syscall:chdir'], pid: 4194303 })).rejects.toMatchObject({
      code: 'process-gone',
    });
    expect(instancesOfOurs()).toEqual([]);
  });

  it('asks before more than 100,000 events a second are traced one by one', async (ctx) => {
    const load = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' });
    try {
      const recorder = new Recorder();
      const answer = recorder.start(ctx, {
        sources: ['tracepoint:raw_syscalls:sys_enter'],
        pid: load.pid ?? 0,
      });
      await expect(answer).rejects.toMatchObject({ code: 'budget-exceeded' });
      expect(instancesOfOurs()).toEqual([]);
    } finally {
      load.kill('SIGKILL');
    }
  });
});

describe('what cannot be traced here', () => {
  it('says exactly what is missing', async (ctx) => {
    const { service } = new Recorder();
    const { listings } = await service.listSources({ kinds: ['kernel-function', 'software', 'hardware'] });
    const [functions, software, hardware] = listings;
    expect(software?.groups.flatMap((group) => group.names)).toContain('page-faults');
    if (existsSync('/sys/kernel/tracing/kprobe_events')) return ctx.skip('this kernel has kprobes');
    expect(
      functions?.groups.every((group) => group.refused?.message.includes('kprobe_events does not exist')),
    ).toBe(true);
    const refused = hardware?.groups.filter((group) => group.refused !== undefined) ?? [];
    for (const { refused: problem } of refused)
      expect(problem?.message).toMatch(/not supported|not installed|refused/);
    await expect(
      service.startEvents({
        stream: 'x',
        mode: { kind: 'each' },
        sources: ['kernel-function:vmlinux:vfs_read'],
      }),
    ).rejects.toMatchObject({ code: 'probe-refused' });
    expect(readFileSync('/proc/kallsyms', 'latin1')).toContain(' vfs_read');
  });

  it("lists perf's own software events and no others", async (ctx) => {
    let text: string;
    try {
      text = execFileSync('perf', ['list', 'sw'], { encoding: 'utf8' });
    } catch {
      return ctx.skip('perf is not installed: apt-get install linux-perf');
    }
    const theirs = [...text.matchAll(/^\s+(\S+)(?: OR \S+)?\s+\[Software event\]/gm)]
      .map((match) => match[1])
      .sort();
    const { listings } = await new Recorder().service.listSources({ kinds: ['software'] });
    expect(listings[0]?.groups.flatMap((group) => group.names).sort()).toEqual(theirs);
  });
});
