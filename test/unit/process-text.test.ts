import { expect, test } from 'vitest';
import { byContainer, containersNamed, containerTitle } from '../../extension/core/targets/containers.ts';
import { processDetails, processSummary } from '../../extension/targets/process-text.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

const process = (pid: number, rest: Partial<ProcessInfo> = {}): ProcessInfo => ({
  ...{ pid, command: 'web', commandLine: 'web', user: 'www', startedAtMs: pid, executable: '/srv/web' },
  ...rest,
});

test('processes are sorted by what they take, and stand below their containers', () => {
  const { containers, others } = byContainer([
    process(1, { shareOfCore: 0.1 }),
    process(2, { shareOfCore: 0.5 }),
    process(3, { container: 'podman:4f5a6b7c8d9e' }),
    process(4, { container: 'podman:4f5a6b7c8d9e', shareOfCore: 1.2 }),
  ]);
  expect(others.map(({ pid }) => pid)).toEqual([2, 1]);
  expect([...containers].map(([id, own]) => [id, own.map(({ pid }) => pid)])).toEqual([
    ['podman:4f5a6b7c8d9e', [4, 3]],
  ]);
});

test('a container is called by its name, by its runtime and number, or by what it runs', () => {
  expect(containerTitle('docker:4f5a6b7c8d9e', [process(1, { containerName: 'shop-db' })])).toBe(
    'shop-db (docker)',
  );
  expect(containerTitle('containerd:4f5a6b7c8d9e', [process(1)])).toBe('containerd 4f5a6b7c8d9e');
  expect(containerTitle('namespace:4026532000', [process(9, { command: 'worker' }), process(2)])).toBe(
    'web (own namespace)',
  );
  expect(containerTitle('chroot:/srv/jail:1', [process(1)])).toBe('chroot /srv/jail:1');
});

test('a row says what decides whether it can be traced', () => {
  const busy = process(4711, { shareOfCore: 0.123, language: 'Go', debugInfo: true });
  expect(processSummary(busy)).toBe('4711 · www · 12 % · Go · debug info');
  expect(processSummary(process(1, { shareOfCore: 0 }))).toBe('1 · www');
  expect(processDetails(busy)).toBe(
    'Process 4711 of www: /srv/web. 12 % of a core. Written in Go, as it seems. Its program file has debug information.',
  );
  expect(processDetails(process(1, { debugInfo: false }))).toContain('a separate file may');
});

test('a container is meant by its name, its whole id, or the beginning of it', () => {
  const processes = [
    process(1, { container: 'docker:4f5a6b7c8d9e', containerName: 'web' }),
    process(2, { container: 'docker:4f5a6b7c8d9e', containerName: 'web' }),
    process(3, { container: 'podman:4f5a00000000' }),
    process(4),
  ];
  const pids = (name: string): number[][] =>
    [...containersNamed(name, processes).values()].map((own) => own.map(({ pid }) => pid));
  expect(pids('web')).toEqual([[1, 2]]);
  expect(pids('docker:4f5a6b7c8d9e')).toEqual([[1, 2]]);
  expect(pids('4f5a6')).toEqual([[1, 2]]);
  expect(pids('4f5a')).toEqual([[1, 2], [3]]);
  expect(pids('')).toEqual([]);
  expect(pids('nothing')).toEqual([]);
});
