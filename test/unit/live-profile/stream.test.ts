import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { LiveProfile } from '../../../extension/core/live-profile.ts';
import {
  isKernelFrame,
  perfFrame,
  PerfTextReader,
  type PerfSample,
} from '../../../helper/engines/perf/text.ts';
import { FrameNamer } from '../../../helper/profile/frames.ts';
import { StackInterner } from '../../../helper/profile/stacks.ts';
import { OpenBinaries } from '../../../helper/symbols/open-binaries.ts';
import { Symboliser } from '../../../helper/symbols/symbolise.ts';
import { exportFolded } from '../../../profile/export/folded.ts';

const fixture = readFileSync(resolve(import.meta.dirname, '../../fixtures/profiles/perf-stream.txt'), 'utf8');

function read(text: string): { samples: PerfSample[]; lost: number; unread: number } {
  const samples: PerfSample[] = [];
  const reader = new PerfTextReader((sample) => samples.push(sample));
  for (const line of text.split('\n')) reader.pushLine(line);
  reader.finish();
  return { samples, lost: reader.lost, unread: reader.unread };
}

test('the text of perf script is read as it streams: samples with their stacks, and what was lost', () => {
  const { samples, lost, unread } = read(fixture);
  expect(unread).toBe(0);
  expect(lost).toBe(10 + 5561);
  expect(samples.map(({ command, frames }) => [command, frames.length])).toEqual([
    ['loopno', 6],
    ['pyenv-which', 7],
    ['loop', 4],
    ['loop', 4],
    ['MainThread', 4],
  ]);
  expect(samples[0]).toMatchObject({ pid: 6606, tid: 6606, timeNs: 3131745546000 });
  expect(samples[1]!.frames.map(isKernelFrame)).toEqual([true, true, true, true, true, false, false]);
});

test('cut, foreign and damaged lines end no stream', () => {
  expect(read('').samples).toEqual([]);
  const { samples, unread } = read(`\0\0garbage\n\t   1161 leaf (/x)\n${fixture.slice(0, 150)}`);
  expect(unread).toBe(2);
  expect(samples).toHaveLength(1);
  // a command of one blank, and one that looks like a time
  expect(read('a b 1: 7/8   3.000001: \n').samples[0]).toMatchObject({ command: 'a b 1:', pid: 7, tid: 8 });
});

test('a frame is taken apart whatever its name holds', () => {
  expect(perfFrame('1161 std::function<int (int)>::operator()(int) const (/usr/bin/a b)')).toEqual({
    address: '1161',
    symbol: 'std::function<int (int)>::operator()(int) const',
    module: '/usr/bin/a b',
  });
  expect(perfFrame('c584f [unknown] (/memfd:sealed (deleted))')).toEqual({
    address: 'c584f',
    symbol: '',
    module: '/memfd:sealed',
  });
  expect(perfFrame('no frame')).toBeUndefined();
});

test('stacks travel as what is new, and are whole on the other side', async () => {
  const stacks = new StackInterner();
  const namer = new FrameNamer(new Symboliser(new OpenBinaries()), stacks);
  const live = new LiveProfile('test', { kind: 'on-cpu', target: 'machine', hz: 99 });
  const nodesSent: number[] = [];
  for (const { pid, tid, command, frames, timeNs } of read(fixture).samples) {
    // none of these programs exists here: the names are perf's own, and addresses that lead nowhere are left out
    const ids = await namer.name(
      2 ** 30 + pid,
      frames.filter((frame) => !isKernelFrame(frame)),
    );
    stacks.add(
      [stacks.frame({ function: command }), ...ids],
      1,
      timeNs,
      stacks.thread({ pid, tid, name: command }),
    );
    const delta = stacks.take();
    nodesSent.push(delta.nodes.length / 2);
    live.add({ id: live.id, elapsedNs: timeNs, total: nodesSent.length, lost: 0, ...delta });
  }
  // the second sample of one stack brings no node
  expect(nodesSent).toEqual([7, 2, 5, 0, 5]);
  const profile = live.profile();
  expect(profile.samples?.weight.length).toBe(5);
  expect(profile.threads.map(({ name }) => name)).toEqual(['loopno', 'pyenv-which', 'loop', 'MainThread']);
  const folded = [...exportFolded(profile)].join('').trim().split('\n').sort();
  expect(folded).toContain('loop;__libc_start_call_main;main;outer;leaf 2');
  expect(folded).toContain(
    'loopno;_start;__libc_start_main@@GLIBC_2.34;__libc_start_call_main;main;outer;leaf 1',
  );
  expect(folded.find((line) => line.startsWith('MainThread;'))).toContain('[code without a name]');
});
