import { expect, test } from 'vitest';
import { profileTitle } from '../../extension/core/profile-meta.ts';
import { isClock, isCycles, periodOf } from '../../helper/engines/perf/events.ts';
import { offCpuScript, wallClockScript } from '../../helper/engines/bpftrace/thread-times.ts';

test('what the kernel does is taken one by one, what the processor counts one in a million', () => {
  for (const event of [
    'page-faults',
    'page-faults:u',
    'cs',
    'syscalls:sys_enter_write',
    'sched:sched_wakeup',
  ])
    expect([event, periodOf(event)]).toEqual([event, 1]);
  for (const event of ['cycles', 'instructions:u', 'cache-misses', 'L1-dcache-loads', 'r01b1'])
    expect([event, periodOf(event)]).toEqual([event, 1_000_003]);
});

test('clocks and the event that perf replaces by one are known', () => {
  expect(['cpu-clock', 'task-clock:u', 'cycles', 'page-faults'].map(isClock)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(['cycles', 'cpu-cycles:k', 'cpu-clock', 'bus-cycles'].map(isCycles)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('recordings of one program by other kinds of profiles have other names', () => {
  const titles = (['on-cpu', 'off-cpu', 'wall-clock', 'event'] as const).map((kind) =>
    profileTitle('./shop', { kind, event: 'page-faults' }),
  );
  expect(titles).toEqual(['./shop', './shop off CPU', './shop by the clock', 'page-faults of ./shop']);
});

test('the scripts that are shown hold no order, and everything that they read is set', () => {
  const clock = { hz: 99, kernelTypes: true };
  for (const scope of [[4711, 4712], 'machine'] as const)
    for (const script of [
      offCpuScript(scope),
      wallClockScript(scope, clock),
      offCpuScript(scope, { turn: 'ps_turn', stop: 'ps_stop' }),
      wallClockScript(scope, clock, { turn: 'ps_turn', stop: 'ps_stop' }),
    ]) {
      const isShown = !script.includes('ps_turn');
      expect(script.includes('@stopped')).toBe(!isShown);
      for (const [, map] of script.matchAll(/(@\w+)/g))
        expect(script, map).toMatch(new RegExp(`${map!}(\\[[^\\n]*\\])? = `));
    }
});
