/** The language server against its limits, `bpftrace -d` and other parsers, in one run. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { check } from '../language-server/language/check/check.ts';
import { CheckMemory } from '../language-server/language/check/memory.ts';
import { analyse } from '../language-server/language/features/analysis.ts';
import { complete } from '../language-server/language/features/completion.ts';
import { probeNames } from '../language-server/language/features/probe-names.ts';
import { format } from '../language-server/language/format/format.ts';
import { knownCatalog, type KnownCatalog } from '../language-server/language/known-catalog.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import { commonScripts, mutate, newestScripts, seeded } from '../test/unit/language/scripts.ts';
import { line, measure, quantile } from './language/measure.ts';
import { largeCatalog, tangledScript, tidyScript } from './language/scripts.ts';
import { serverMemory } from './language/server-memory.ts';

/** Runs all parts; `FUZZ` sets the number of damaged scripts, 1,000,000 by default. */
export async function language(): Promise<void> {
  shippedScripts();
  for (const [name, script] of [
    ['tidy', tidyScript()],
    ['tangled', tangledScript()],
  ] as const)
    for (const version of [17, 23, 27]) keystrokes(name, script, version);
  const catalog = largeCatalog();
  completion(knownCatalog(catalog));
  await serverMemory(catalog);
  fuzz();
  console.log('tree-sitter-bpftrace is not on npm: none of its parsers runs beside ours');
}

/** All shipped scripts in one process, beside `bpftrace -d` for each. */
function shippedScripts(): void {
  const shipped = globSync('/usr/sbin/*.bt').map((path) => readFileSync(path, 'utf8'));
  const scripts = shipped.length === 0 ? [...commonScripts] : shipped;
  const ours = measure(50, () => {
    for (const script of scripts) analyse(script, { version: 17 });
  });
  line(
    `${scripts.length} ${shipped.length === 0 ? 'scripts of our own' : 'shipped scripts'}, parsed and checked`,
    ours,
  );
  const times = scripts.map((script) => {
    const start = performance.now();
    const { error } = spawnSync('bpftrace', ['-d', '-'], {
      input: script,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    return error === undefined ? performance.now() - start : NaN;
  });
  if (times.some(Number.isNaN)) {
    console.log('bpftrace -d: not installed here, no comparison');
    return;
  }
  const theirs = times.reduce((sum, time) => sum + time, 0);
  console.log(
    `${'bpftrace -d for the same scripts, one after the other'.padEnd(82)} ${Math.floor(theirs)} ms: ours ${Math.floor(theirs / quantile(ours.wallMs, 0.5))} × as fast (aim: 100 ×)`,
  );
}

/**
 * One character typed at places all over a script; what the editor waits for is its diagnostics. The first keys of a process wait for V8's
 * compiler, too.
 */
function keystrokes(name: string, script: string, version: number): void {
  const what = `${name} ${script.split('\n').length} lines, 0.${version}`;
  const edited = (run: number): string => {
    const at = (Math.abs(run) * 7919) % script.length;
    return `${script.slice(0, at)}x${script.slice(at)}`;
  };
  for (const keys of ['first 500 keys', 'next 500']) {
    const memory = new CheckMemory();
    line(
      `${what}: a key until its diagnostics, ${keys} (aim: p99 ≤ 5 ms)`,
      measure(500, (run) => void analyse(edited(run), { version }, memory).diagnostics.length),
    );
  }
  line(
    `${what}: parsed alone`,
    measure(100, (run) => void parse(edited(run), { version })),
  );
  line(
    `${what}: checked whole, without memory`,
    measure(100, (run) => {
      const source = edited(run);
      check(source, parse(source, { version }), { version });
    }),
  );
  line(
    `${what}: formatted`,
    measure(30, () => void format(script, { version })),
  );
}

function completion(catalog: KnownCatalog): void {
  const start = performance.now();
  const names = probeNames(catalog);
  names.search('kprobe:x', 1);
  console.log(
    `${'index of 100,000 probe names, built once'.padEnd(82)} ${Math.ceil(performance.now() - start)} ms`,
  );
  const queries =
    'kprobe:tcpsend kprobe:a blkrq kprobe:vfs_read_1 tracepoint:block:q kprobe:zzz ext4inode'.split(' ');
  line(
    'completion in 100,000 probe names (aim: ≤ 10 ms)',
    measure(140, (run) => {
      const text = queries[Math.abs(run) % queries.length] ?? '';
      complete(analyse(text, { version: 27, catalog }), text.length, names);
    }),
  );
}

/** Damaged scripts, parsed and checked; an exception ends the benchmark. */
function fuzz(): void {
  const count = Number(process.env['FUZZ'] ?? 1_000_000);
  const random = seeded(42);
  const scripts = [...commonScripts, ...newestScripts];
  let slowest = 0;
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const source = mutate(scripts[random(scripts.length)] ?? '', random);
    const version = 17 + random(11);
    const begin = performance.now();
    check(source, parse(source, { version }), { version });
    slowest = Math.max(slowest, performance.now() - begin);
  }
  const seconds = Math.ceil((performance.now() - start) / 1000);
  console.log(
    `${`${count.toLocaleString('en')} damaged scripts parsed and checked, none threw`.padEnd(82)} ${seconds} s, the slowest ${Math.ceil(slowest)} ms`,
  );
}
