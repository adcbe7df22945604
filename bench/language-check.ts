// Checking: from a keystroke to diagnostics in a long script, memory with a large catalog, and `bpftrace -d` beside us.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { readCatalog } from '../protocol/catalog.ts';
import { check } from '../language-server/language/check/check.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import { generateProgram, randomNumbers } from '../test/language/programs.ts';

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** Rounded up to microseconds: no time is shown shorter than it was. */
const shown = (ms: number): string => `${(Math.ceil(ms * 1000) / 1000).toFixed(3)} ms`;

/** A script of at least 2,000 lines: generated probes, one statement a line. */
function longScript(): string {
  const random = randomNumbers(1);
  const probes: string[] = [];
  for (let lines = 0; lines < 2000;) {
    const probe = generateProgram(random, 17)
      .replaceAll(/^(BEGIN|END)\b/gm, 'interval:s:1')
      .replaceAll('; ', ';\n  ');
    probes.push(probe);
    lines += probe.split('\n').length;
  }
  return probes.join('\n');
}

function keystrokes(): void {
  const source = longScript();
  const random = randomNumbers(2);
  for (const version of [17, 27]) {
    const timesMs: number[] = [];
    for (let index = 0; index < 600; index++) {
      const at = Math.floor(random() * source.length);
      const edited = `${source.slice(0, at)}x${source.slice(at)}`;
      const startMs = performance.now();
      check(edited, parse(edited, { version }), { version });
      // The first hundred warm the compiler up, as the first seconds of a session do
      if (index >= 100) timesMs.push(performance.now() - startMs);
    }
    timesMs.sort((a, b) => a - b);
    console.log(
      `keystroke → diagnostics, ${source.split('\n').length} lines, rules of 0.${version}, 500 keystrokes: p50 ${shown(percentile(timesMs, 0.5))}, p99 ${shown(percentile(timesMs, 0.99))} (aim: 5 ms)`,
    );
  }
}

/** 2,300 tracepoints of 8 fields and 100,000 functions with prototypes. */
function largeCatalog(): string {
  const tracepoints: Record<string, Record<string, string>> = {};
  for (let index = 0; index < 2300; index++) {
    const fields = Array.from({ length: 8 }, (_, field) => `unsigned long|field_${field}|${field * 8}`);
    (tracepoints[`category${index % 100}`] ??= {})[`event_${index}`] = fields.join(';');
  }
  const functions: Record<string, string> = {};
  for (let index = 0; index < 100_000; index++)
    functions[`some_kernel_function_${index}`] = 'int;struct file *|file;char *|buf;size_t|count';
  return JSON.stringify({
    format: 'probescope-catalog',
    version: 1,
    target: {},
    tracepoints,
    functions,
    structs: {},
    enums: {},
  });
}

function memory(): void {
  const text = largeCatalog();
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  const beforeBytes = process.memoryUsage().heapUsed;
  const read = readCatalog(text);
  if ('refusal' in read) throw new Error(read.refusal);
  const source = 'tracepoint:category1:event_1 { print(args.field_1); } kprobe:some_kernel_function_9 { }';
  const startMs = performance.now();
  const { diagnostics } = check(source, parse(source), { catalog: read.catalog });
  const tookMs = performance.now() - startMs;
  collect?.();
  const usedMb = (process.memoryUsage().heapUsed - beforeBytes) / 1e6;
  console.log(
    `a catalog of 102,300 names: ${Math.ceil(usedMb)} MB more heap${collect === undefined ? ' (garbage included: run node --expose-gc)' : ''}, ${Math.ceil(process.memoryUsage().rss / 1e6)} MB resident in all (aim: 100 MB more); first check ${shown(tookMs)}, ${diagnostics.length} findings`,
  );
}

function besideBpftrace(): void {
  const paths = globSync('/usr/sbin/*.bt');
  if (paths.length === 0) {
    console.log('bpftrace is not installed here: no peer to measure against');
    return;
  }
  const sources = paths.map((path) => readFileSync(path, 'utf8'));
  const roundsMs: number[] = [];
  for (let round = 0; round < 20; round++) {
    const startMs = performance.now();
    for (const source of sources) check(source, parse(source, { version: 17 }), { version: 17 });
    roundsMs.push(performance.now() - startMs);
  }
  const oursMs = percentile(
    roundsMs.sort((a, b) => a - b),
    0.5,
  );
  const startMs = performance.now();
  let refused = 0;
  for (const path of paths)
    try {
      execFileSync('bpftrace', ['-d', path], { stdio: 'ignore' });
    } catch {
      refused++;
    }
  const theirsMs = performance.now() - startMs;
  console.log(
    `${paths.length} shipped scripts: ours ${shown(oursMs)} in all, first round ${shown(roundsMs.at(-1) ?? 0)}; bpftrace -d ${Math.floor(theirsMs)} ms (${refused} refused for this host): ${Math.floor(theirsMs / oursMs)} × faster (aim: 100 ×)`,
  );
}

/** Prints times and memory of checking, beside `bpftrace -d` where it is installed. */
export function languageCheck(): Promise<void> {
  keystrokes();
  memory();
  besideBpftrace();
  return Promise.resolve();
}
