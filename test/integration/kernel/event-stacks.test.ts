// Stacks of events of a program whose depths are known, as perf's DWARF unwinder and bpftrace see them at the same time.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type TestContext, afterAll, describe, expect, it } from 'vitest';
import { readColumn } from '../../../helper/sources/columns.ts';
import { EventsService } from '../../../helper/sources/service.ts';
import type {
  EventRows,
  EventsSpec,
  EventStack,
  EventStacks,
  StackKind,
  StreamSchema,
} from '../../../protocol/events.ts';
import { TracedProgram, whyNoTracing } from '../support/traced-program.ts';

const CALLS = 40;
const folder = mkdtempSync(join(tmpdir(), 'probescope-stacks-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

class Recorder {
  readonly stacks = new Map<number, EventStack>();
  readonly batches: EventRows[] = [];
  private finish: () => void = () => undefined;
  private readonly finished = new Promise<void>((resolve) => (this.finish = resolve));
  readonly service = new EventsService({
    emit: (event, params) => {
      if (event === 'eventRows') this.batches.push(params as EventRows);
      if (event === 'eventStacks')
        for (const stack of (params as EventStacks).stacks) this.stacks.set(stack.id, stack);
      if (event === 'eventsState' && 'state' in params && params.state.kind === 'ended') this.finish();
    },
  });

  start(
    spec: Omit<EventsSpec, 'stream' | 'mode'>,
    mode: EventsSpec['mode'] = { kind: 'each' },
  ): Promise<StreamSchema> {
    return this.service.startEvents({ stream: 'test', mode, ...spec });
  }

  async stop() {
    const counts = await this.service.stopEvents({ stream: 'test' });
    // names may come after the rows, and always before the end
    await this.finished;
    return counts;
  }

  /** The stack of each row. */
  of(schema: StreamSchema, kind: StackKind): EventStack[] {
    const index = schema.columns.findIndex(({ name }) => name === `${kind}_stack`);
    return this.batches.flatMap(({ data }) =>
      readColumn('u32', data[index] ?? '', []).map((id) => {
        const stack = this.stacks.get(Number(id));
        if (stack === undefined) throw new Error(`no stack ${id}`);
        return stack;
      }),
    );
  }
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** System calls in what bpftrace printed. */
const entries = (printed: string) => printed.match(/^ +entry_SYSCALL/gm)?.length ?? 0;

/** The functions of the program itself, without the library's below and above them. */
const ours = /^(?:put|store|work|twice|main)$/;

function skipWithout(ctx: TestContext): void {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
}

describe('stacks of events', () => {
  it("of a program are those of perf's DWARF unwinder, though its C library keeps no frame pointers", async (ctx) => {
    skipWithout(ctx);
    const program = await TracedProgram.start('stacks', [String(CALLS)]);
    const data = join(folder, 'perf.data');
    const words = ['record', '-q', '-e', 'syscalls:sys_enter_write', '--call-graph', 'dwarf'];
    const peer = spawn('perf', [...words, '-p', String(program.pid), '-o', data], { stdio: 'ignore' });
    const peerEnded = new Promise<void>((resolve) => peer.on('close', () => resolve()));
    try {
      const recorder = new Recorder();
      const schema = await recorder.start({
        sources: ['syscall:write'],
        // not its own lines to us
        filter: 'count < 10',
        pid: program.pid,
        userStack: true,
      });
      // perf writes nothing when it is ready; its events are counted below
      await delay(1500);
      program.go();
      await program.figures();
      const counts = await recorder.stop();
      peer.kill('SIGINT');
      await peerEnded;
      expect(counts).toMatchObject({ received: 3 * CALLS, lost: 0, missingStacks: 0 });
      const stacks = recorder.of(schema, 'user');
      const mine = stacks.map(({ frames }) =>
        frames
          .filter((frame) => frame.inlined !== true && ours.test(frame.function))
          .map((frame) => frame.function)
          .join(' '),
      );
      const script = execFileSync('perf', ['script', '-i', data, '-F', 'trace,ip,sym', '--no-inline'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const theirs = script
        .split('\n\n')
        .filter((block) => /count: 0x0000000[1-9]\n/.test(block))
        .map((block) =>
          [...block.matchAll(/^\s+[0-9a-f]+ (\w+)/gm)]
            .flatMap(([, name = '']) => (ours.test(name) ? [name] : []))
            .join(' '),
        );
      expect(counted(mine)).toEqual({ 'store work main': CALLS, 'twice main': 2 * CALLS });
      expect(counted(theirs)).toEqual(counted(mine));
      const throughInlined = stacks.find(({ frames }) => frames.some(({ inlined }) => inlined === true));
      const put = throughInlined?.frames.find((frame) => frame.function === 'put');
      expect(put).toMatchObject({ inlined: true, line: 19 });
      expect(put?.file).toMatch(/test\/workloads\/stacks\/stacks\.c$/);
      expect(throughInlined?.frames.find((frame) => frame.function === 'store')).toMatchObject({ line: 26 });
      // `twice` writes in two places: which of them it was, nothing tells, and that is said
      const ambiguous = stacks.find(({ frames }) => frames.some((frame) => frame.function === 'twice'));
      expect(ambiguous?.frames.find((frame) => frame.function === 'twice')?.line).toBeUndefined();
      expect(ambiguous?.notes.join()).toContain('twice or what that calls has called it');
    } finally {
      peer.kill('SIGKILL');
      program.end();
    }
  });

  it("of the kernel are bpftrace's, and the copied script prints both", async (ctx) => {
    skipWithout(ctx);
    const program = await TracedProgram.start('stacks', [String(CALLS)]);
    const spec = {
      sources: ['tracepoint:syscalls:sys_enter_write'],
      pid: program.pid,
      kernelStack: true,
      userStack: true,
    };
    const recorder = new Recorder();
    const { commands } = await recorder.service.copyEvents(spec);
    const script = commands.find(({ tool }) => tool === 'bpftrace')?.text ?? '';
    const peer = spawn('bpftrace', ['-e', script]);
    const peerEnded = new Promise<void>((resolve) => peer.on('close', () => resolve()));
    let printed = '';
    peer.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    try {
      while (!printed.includes('Attaching') && peer.exitCode === null) await delay(50);
      await delay(1000);
      const schema = await recorder.start(spec);
      program.go();
      await program.figures();
      const counts = await recorder.stop();
      // what it has not printed yet when it is interrupted, it drops
      for (let waits = 0; waits < 200 && entries(printed) < counts.received; waits++) await delay(50);
      peer.kill('SIGINT');
      await peerEnded;
      expect(counts).toMatchObject({ lost: 0, missingStacks: 0 });
      // the innermost frame is each engine's own: perf_syscall_enter there, ftrace_syscall_enter here
      const mine = recorder
        .of(schema, 'kernel')
        .map(({ frames }) => frames.filter((frame) => frame.inlined !== true).map((frame) => frame.function));
      const kernelBlocks = [...printed.matchAll(/((?:^ +\w+(?:\.\w+)*\+\d+\n)+)/gm)]
        .map(([block = '']) => [...block.matchAll(/^ +(\S+)\+\d+$/gm)].map(([, name = '']) => name))
        .filter((names) => names.some((name) => name.startsWith('entry_SYSCALL')));
      expect(kernelBlocks.length).toBeGreaterThanOrEqual(3 * CALLS);
      expect(counted(mine.map((names) => names.slice(1).join(' ')))).toEqual(
        counted(kernelBlocks.map((names) => names.slice(1).join(' '))),
      );
      expect(printed).toMatch(/^ +work\+\d+$/m);
    } finally {
      peer.kill('SIGKILL');
      program.end();
    }
  });

  it('say that frame pointers are missing where they end for want of them', async (ctx) => {
    skipWithout(ctx);
    const recorder = new Recorder();
    const schema = await recorder.start(
      {
        sources: ['tracepoint:syscalls:sys_enter_write'],
        filter: 'comm == "dd" && count == 77',
        userStack: true,
      },
      { kind: 'sample', every: 100 },
    );
    // Debian's programs are built without; it lives longer than the buffer is left unread
    const program = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=77'], { stdio: 'ignore' });
    await delay(200);
    program.kill('SIGKILL');
    await recorder.stop();
    const stacks = recorder.of(schema, 'user');
    expect(stacks.some(({ frames }) => /write/.test(frames[0]?.function ?? ''))).toBe(true);
    expect(stacks.flatMap(({ notes }) => notes).join(' ')).toContain('keeps no frame pointer');
  });

  it('are empty for threads of the kernel and leave nothing switched on', async (ctx) => {
    skipWithout(ctx);
    const recorder = new Recorder();
    const schema = await recorder.start({
      sources: ['tracepoint:sched:sched_switch'],
      filter: 'prev_pid == 0',
      userStack: true,
    });
    await delay(300);
    const counts = await recorder.stop();
    const index = schema.columns.findIndex(({ name }) => name === 'user_stack');
    const ids = recorder.batches.flatMap(({ data }) => readColumn('u32', data[index] ?? '', []));
    expect(counts.received).toBeGreaterThan(0);
    expect(new Set(ids)).toEqual(new Set([1]));
  });
});
