/** The language server against its limits and against `bpftrace -d`, in one run. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Catalog } from '../protocol/catalog.ts';
import { analyse } from '../language-server/language/features/analysis.ts';
import { complete } from '../language-server/language/features/completion.ts';
import { probeNames } from '../language-server/language/features/probe-names.ts';
import { format } from '../language-server/language/format/format.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import { commonScripts, mutate, newestScripts, seeded } from '../test/unit/language/scripts.ts';

/** Milliseconds at a share of the sorted times, rounded up to 0.01. */
function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.ceil((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
}

function measure(runs: number, task: (run: number) => void): number[] {
  const times: number[] = [];
  // The first tenth warms the compiler up, as a server that has seen a few keys is.
  for (let run = -Math.ceil(runs / 10); run < runs; run++) {
    const start = performance.now();
    task(run);
    if (run >= 0) times.push(performance.now() - start);
  }
  return times;
}

const line = (what: string, times: readonly number[]): void => {
  console.log(`${what.padEnd(58)} p50 ${quantile(times, 0.5)} ms   p99 ${quantile(times, 0.99)} ms`);
};

function shipped(): string[] {
  if (!existsSync('/usr/sbin')) return [];
  return readdirSync('/usr/sbin')
    .filter((file) => file.endsWith('.bt'))
    .map((file) => readFileSync(`/usr/sbin/${file}`, 'utf8'));
}

/** A script of 2,000 lines: probes with a dozen statements each, no name twice. */
function longScript(): string {
  let text = 'BEGIN { printf("begin\\n"); }\n';
  for (let probe = 0; text.split('\n').length < 2000; probe++)
    text += `\nkprobe:vfs_read_${probe},\nkprobe:vfs_write_${probe}\n/pid > ${probe} && comm != "sh"/\n{\n\t$size = arg2;\n\t@start${probe}[tid] = nsecs;\n\t@bytes${probe}[comm, pid] = sum($size);\n\t@hist${probe} = hist($size / 1024);\n\tif ($size > 4096) {\n\t\tprintf("%s %d\\n", comm, $size); // large\n\t} else {\n\t\t@small${probe}++;\n\t}\n\tdelete(@start${probe}[tid]);\n}\n`;
  return text;
}

/** 100,000 probe names, as a large kernel has them. */
function largeCatalog(): Catalog {
  const random = seeded(1);
  const words = [
    'tcp',
    'udp',
    'vfs',
    'ext4',
    'block',
    'sched',
    'page',
    'alloc',
    'read',
    'write',
    'inode',
    'queue',
    'lock',
    'init',
    'free',
    'send',
    'recv',
    'map',
    'irq',
    'timer',
  ];
  const functions: Record<string, string> = {};
  for (let index = 0; index < 97_000; index++)
    functions[
      `${words[random(20)] ?? ''}_${words[random(20)] ?? ''}_${words[random(20)] ?? ''}_${index.toString(36)}`
    ] = 'int;struct file *|file;size_t|count';
  const block: Record<string, string> = {};
  for (let index = 0; index < 3000; index++)
    block[`block_${words[random(20)] ?? ''}_${index}`] = 'unsigned int|bytes|8';
  return {
    format: 'probescope-catalog',
    version: 1,
    target: {},
    tracepoints: { block },
    functions,
    structs: {},
    enums: {},
  };
}

export function language(): Promise<void> {
  const scripts = shipped();
  const all = scripts.length === 0 ? [...commonScripts] : scripts;
  const ours = measure(50, () => {
    for (const script of all) analyse(script, { version: 17 });
  });
  line(
    `${all.length} scripts (${scripts.length === 0 ? 'our own' : 'shipped with bpftrace'}), parsed and checked`,
    ours,
  );
  compareWithBpftrace(all, quantile(ours, 0.5) / all.length);

  const long = longScript();
  const lines = long.split('\n').length;
  line(
    `${lines} lines, parsed`,
    measure(200, () => void parse(long, { version: 17 })),
  );
  const keys = 'print(@x);';
  const typed = measure(200, (run) => {
    const at = long.indexOf('{', (Math.abs(run) * 997) % long.length) + 1;
    const text = long.slice(0, at) + keys.slice(0, Math.abs(run) % keys.length) + long.slice(at);
    void analyse(text, { version: 17 }).diagnostics.length;
  });
  line(`${lines} lines, a key until its diagnostics (aim: p99 ≤ 5 ms)`, typed);
  line(
    `${lines} lines, formatted`,
    measure(50, () => void format(long, { version: 17 })),
  );
  completion();
  fuzz();
  console.log('tree-sitter-bpftrace: not on npm, so no parser of its to run beside ours');
  return Promise.resolve();
}

function compareWithBpftrace(scripts: readonly string[], oursMs: number): void {
  const sample = scripts.filter((script) => !script.includes('#include')).slice(0, 10);
  const times = sample.map((script) => {
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
  const theirs = quantile(times, 0.5);
  console.log(
    `${'bpftrace -d, a script'.padEnd(58)} p50 ${theirs} ms; ours ${Math.ceil(oursMs * 100) / 100} ms: ${Math.floor(theirs / oursMs)} × as fast`,
  );
}

function completion(): void {
  const catalog = largeCatalog();
  const start = performance.now();
  const names = probeNames(catalog);
  names.search('kprobe:x', 1);
  console.log(
    `${'index of 100,000 probe names, built'.padEnd(58)} ${Math.ceil(performance.now() - start)} ms`,
  );
  const queries = [
    'kprobe:tcpsend',
    'kprobe:a',
    'blkrq',
    'kprobe:vfs_read_1',
    'tracepoint:block:q',
    'kprobe:zzz',
    'ext4inode',
  ];
  const times = measure(140, (run) => {
    const text = queries[Math.abs(run) % queries.length] ?? '';
    complete(analyse(text, { version: 27, catalog }), text.length, names);
  });
  line('completion in 100,000 probe names (aim: ≤ 10 ms)', times);
}

function fuzz(): void {
  const count = Number(process.env['FUZZ'] ?? 1_000_000);
  const random = seeded(42);
  const scripts = [...commonScripts, ...newestScripts];
  let slowest = 0;
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const source = mutate(scripts[random(scripts.length)] ?? '', random);
    const begin = performance.now();
    parse(source, { version: 17 + random(11) });
    slowest = Math.max(slowest, performance.now() - begin);
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${`${count.toLocaleString('en')} damaged scripts parsed, none threw`.padEnd(58)} ${Math.ceil(seconds)} s, the slowest ${Math.ceil(slowest)} ms`,
  );
}
