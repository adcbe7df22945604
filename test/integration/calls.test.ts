import { afterEach, describe, expect, test } from 'vitest';
import { localHelper } from '../../cli/in-process.ts';
import { CallRecorder } from '../../extension/core/call-recorder.ts';
import { callsPicture, callsProfile } from '../../extension/core/calls-picture.ts';
import type { CallRecord } from '../../protocol/calls.ts';
import { textAt } from '../../profile/strings.ts';
import { TracedProgram, whyNoTracing, type OwnFigures } from './support/traced-program.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Records all calls of one function of the shop, from its first request to its last. */
async function recorded(
  name: string,
  args: readonly string[],
): Promise<{ recorder: CallRecorder; own: Readonly<Record<string, OwnFigures & { sumNs?: number }>> }> {
  const program = await TracedProgram.start('shop', args);
  ends.push(() => {
    program.end();
  });
  const local = await localHelper();
  ends.push(() => local.close());
  const { subjects } = await local.connection.call('lookUp', { binary: program.path, function: name });
  const recorder = new CallRecorder();
  await recorder.start(local.connection, {
    id: 1,
    binary: program.path,
    pid: program.pid,
    subject: subjects[0]!,
    measures: ['latency'],
  });
  program.go();
  const own = await program.figures();
  await recorder.stop();
  return { recorder, own };
}

const sum = (records: readonly CallRecord[], of: (record: CallRecord) => number): number =>
  records.reduce((total, record) => total + of(record), 0);
/** A probe takes 2 to 40 µs of its own; the program's clock stands inside of the probed function, ours outside. */
const PROBE_NS = 60_000;

describe('single calls against what the program knows of itself', () => {
  const reason = whyNoTracing();

  test('every call is there, its time is told apart, its callees are counted', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const { recorder, own } = await recorded('handle_request', [
      '--threads',
      '4',
      '--requests',
      '60',
      '--rate',
      '40',
    ]);
    const { records } = recorder;
    const mine = own['handle_request']!;
    expect(recorder.state).toBe('stopped');
    expect(recorder.returned).toBe(mine.count);
    expect(records.length).toBe(mine.count);
    expect(recorder.started?.parameters).toEqual(['request', 'response']);
    expect(new Set(records.map(({ returned }) => returned))).toEqual(new Set(['200', '201', '404']));
    const total = sum(records, ({ durationNs }) => durationNs);
    expect(Math.abs(total - mine.sumNs!)).toBeLessThan(0.05 * mine.sumNs! + records.length * PROBE_NS);
    for (const record of records) {
      const { runningNs, runnableNs, blockedNs, ioNs, durationNs } = record;
      expect(runningNs + runnableNs + blockedNs + ioNs).toBe(durationNs);
    }
    // the shop sleeps in disk_read and in the innermost render_tree, which it times
    const asleep = sum(records, ({ blockedNs }) => blockedNs);
    expect(asleep / total).toBeGreaterThan(0.5);
    const { callees, states, slowest } = callsPicture(recorder, undefined);
    // the heaviest first; two clock readings and one note of the time a request
    expect(callees[0]).toMatchObject({ function: 'route', calls: own['route']!.count });
    expect(new Map(callees.map((callee) => [callee.function, callee.calls]))).toEqual(
      new Map([
        ['route', mine.count],
        ['now_ns', 2 * mine.count],
        ['stats_record', mine.count],
      ]),
    );
    expect(callees[0]!.share).toBeGreaterThan(0.6);
    expect(states.map(({ state }) => state)).toContain('blocked');
    expect(slowest[0]!.durationNs).toBe(Math.max(...records.map(({ durationNs }) => durationNs)));
    expect(slowest[0]!.stack.map(({ text }) => text).slice(0, 2)).toEqual(['handle_request', 'client']);
    expect(slowest[0]!.stack[1]!.place?.file).toMatch(/shop\.c$/);

    // a range is that range and no more, in figures and in the flame graph
    const slow = { lowNs: 1e6 };
    const picture = callsPicture(recorder, slow);
    const among = records.filter(({ durationNs }) => durationNs >= 1e6);
    expect(picture.recorded).toBe(among.length);
    const profile = callsProfile('slow calls', recorder, slow);
    const weight = profile.nodes.self.reduce((a, b) => a + b, 0);
    expect(weight).toBe(
      sum(among, ({ runningNs, runnableNs, blockedNs, ioNs }) => runningNs + runnableNs + blockedNs + ioNs),
    );
    const names = [...profile.frames.name].map((id) => textAt(profile.strings, id));
    expect(names).toEqual(expect.arrayContaining(['client', 'handle_request', '[blocked]']));
  });

  test('callees at this depth only, a recursive one by its outermost call', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const { recorder, own } = await recorded('route', ['--threads', '4', '--requests', '60', '--rate', '40']);
    expect(recorder.returned).toBe(own['route']!.count);
    const { callees } = callsPicture(recorder, undefined);
    const by = new Map(callees.map((callee) => [callee.function, callee]));
    expect(by.get('cache_get')?.calls).toBe(own['cache_get']!.count);
    expect(by.get('db_query')?.calls).toBe(own['db_query']!.count);
    expect(by.get('checksum')?.calls).toBe(own['checksum']!.count);
    // six levels, of which route calls the first
    expect(by.get('render_tree')?.calls).toBe(own['render_tree']!.count / 6);
    const database = own['db_query']!;
    expect(Math.abs(by.get('db_query')!.sumNs - database.sumNs!)).toBeLessThan(
      0.05 * database.sumNs! + database.count * PROBE_NS,
    );
    expect(recorder.started?.untraced).toEqual(expect.arrayContaining(['snprintf']));
  });

  test('arguments as the source would write them', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const { recorder, own } = await recorded('db_query', [
      '--threads',
      '2',
      '--requests',
      '40',
      '--rate',
      '50',
    ]);
    expect(recorder.records.length).toBe(own['db_query']!.count);
    expect(recorder.started?.parameters).toEqual(['key', 'value', 'size']);
    for (const record of recorder.records) {
      const [key, , size] = record.arguments;
      expect(Number(key)).toBeGreaterThanOrEqual(0);
      expect(size).toBe('32');
      // `product KEY`, and a star behind odd ones
      expect(Number(record.returned)).toBe(`product ${key!}`.length + (Number(key) & 1));
    }
  });

  test('a point has no calls, and says so', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const local = await localHelper();
    ends.push(() => local.close());
    const recorder = new CallRecorder();
    const program = await TracedProgram.start('shop', ['--requests', '1']);
    ends.push(() => {
      program.end();
    });
    const { subjects } = await local.connection.call('lookUp', {
      binary: program.path,
      usdt: { provider: 'shop', name: 'cache__hit' },
    });
    const probe = { id: 1, binary: program.path, subject: subjects[0]!, measures: ['count' as const] };
    await expect(recorder.start(local.connection, probe)).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(recorder.state).toBe('off');
    expect(recorder.problem?.message).toMatch(/is a point/);
  });
});
