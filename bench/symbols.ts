import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddress } from '../helper/symbols/address.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import { vmlinux } from '../test/support/symbols-corpus.ts';

/** Wall clock of a run, in seconds; the least of `times` runs, since other work on the machine only adds. */
function leastSeconds(times: number, run: () => void): number {
  let least = Infinity;
  for (let round = 0; round < times; round++) {
    const start = performance.now();
    run();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

function has(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, tool)));
}

const door = JSON.stringify(join(import.meta.dirname, '../helper/symbols/debug-info.ts'));

/** Never rounds in our favour: ours up, the peers' down. */
function figure(seconds: number, ours: boolean): string {
  const digits = seconds < 0.1 ? 1e5 : 1e3;
  const rounded = (ours ? Math.ceil : Math.floor)(seconds * digits) / digits;
  return `${rounded} s`;
}

function compare(what: string, ours: number, peers: Readonly<Record<string, number | undefined>>): void {
  const compared = Object.entries(peers)
    .filter((entry): entry is [string, number] => entry[1] !== undefined)
    .map(
      ([peer, seconds]) =>
        `${peer} ${figure(seconds, false)} (ours is ${(Math.ceil((ours / seconds) * 1000) / 1000).toString()} ×)`,
    );
  console.log(`${what}: ${figure(ours, true)}${compared.length === 0 ? '' : ` · ${compared.join(' · ')}`}`);
}

/** Runs code in a process of its own and prints what it prints: memory and cold starts need that. */
function inFreshProcess(code: string): string {
  return execFileSync(
    process.execPath,
    ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--input-type=module', '-e', code],
    {
      encoding: 'utf8',
    },
  ).trim();
}

function peer(tool: string, times: number, args: readonly string[], input?: string): number | undefined {
  if (!has(tool)) return undefined;
  return leastSeconds(times, () => {
    spawnSync(tool, args, { input, stdio: ['pipe', 'ignore', 'ignore'], maxBuffer: 1 << 30 });
  });
}

/**
 * Source ↔ address on Debian's vmlinux (633 MB of debug image, 2,352 units, 4.3 million rows), beside llvm-symbolizer,
 * addr2line, perf probe and gdb in the same run. All with a warm page cache.
 */
export async function symbols(): Promise<void> {
  const binary = vmlinux();
  const cli = join(import.meta.dirname, '../dist/cli.js');
  const address = '0xffffffff81364150';

  const complete = JSON.parse(
    inFreshProcess(`const { DebugInfo } = await import(${door}); const start = performance.now(); const cpu = process.cpuUsage();
      const info = await DebugInfo.open(${JSON.stringify(binary)}); info.loadAll();
      const { user, system } = process.cpuUsage(cpu);
      console.log(JSON.stringify({ wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, peak: process.resourceUsage().maxRSS / 1024 }));`),
  ) as { wall: number; cpu: number; peak: number };
  console.log(
    `complete index: ${figure(complete.wall, true)} (${figure(complete.cpu, true)} of processor time), peak ${Math.ceil(complete.peak)} MB · goal 1.2 s, 450 MB`,
  );

  compare(
    'one address, cold process · goal 0.12 s',
    leastSeconds(
      5,
      () => void spawnSync(process.execPath, [cli, 'symbolize', binary, address], { stdio: 'ignore' }),
    ),
    {
      'llvm-symbolizer': peer('llvm-symbolizer', 5, [`--obj=${binary}`, address]),
      addr2line: peer('addr2line', 3, ['-fie', binary, address]),
      'node -e 0': leastSeconds(5, () => void spawnSync(process.execPath, ['-e', '0'])),
    },
  );

  const info = await DebugInfo.open(binary);
  const text = info.elf.section('.text')!;
  let seed = 1;
  const addresses = Array.from({ length: 10_000 }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return text.address + Math.floor((seed / 2 ** 32) * text.sizeBytes);
  });
  const input = addresses.map((each) => `${formatAddress(each)}\n`).join('');
  compare(
    '10,000 random addresses with inlined frames, cold process',
    leastSeconds(
      3,
      () =>
        void spawnSync(process.execPath, [cli, 'symbolize', binary], {
          input,
          stdio: ['pipe', 'ignore', 'ignore'],
        }),
    ),
    {
      'llvm-symbolizer': peer('llvm-symbolizer', 3, [`--obj=${binary}`], input),
      addr2line: peer('addr2line', 1, ['-fie', binary], input),
    },
  );

  info.loadAll();
  for (const each of addresses) info.frames(each);
  const warm = leastSeconds(5, () => {
    for (const each of addresses) info.frames(each);
  });
  console.log(`the same, warm: ${Math.ceil((warm / addresses.length) * 1e8) / 100} µs each · goal 4 µs`);

  for (const place of ['fs/read_write.c:461', 'kernel/sched/core.c:3500', 'include/linux/list.h:72'])
    linePlaces(binary, place);
  info.lineSites('fs/read_write.c', 461);
  const again = leastSeconds(5, () => void info.lineSites('fs/read_write.c', 470));
  console.log(`file:line → sites, another line of the file: ${Math.ceil(again * 1e5) / 100} ms · goal 2 ms`);
  info.close();
  kernelTypes();
}

/** What a peer answers: a refusal is quick. */
function placesFound(tool: string, args: readonly string[], place: RegExp): string {
  if (!has(tool)) return 'missing';
  const { stdout } = spawnSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const count = stdout.match(place)?.length ?? 0;
  return count === 0 ? 'refuses' : `${count} of them`;
}

/** The first question of a process; a header's line has places in hundreds of units, all of which must be read. */
function linePlaces(binary: string, place: string): void {
  const [file, line] = place.split(':');
  const cold = JSON.parse(
    inFreshProcess(`const { DebugInfo } = await import(${door}); const start = performance.now();
      const info = await DebugInfo.open(${JSON.stringify(binary)});
      const { sites } = info.lineSites(${JSON.stringify(file)}, ${line});
      console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, sites: sites.length }));`),
  ) as { seconds: number; sites: number };
  const perf = ['probe', '-k', binary, '-D', place];
  compare(`${place} → ${cold.sites} sites, first question of a process · goal 50 ms`, cold.seconds, {
    [`perf probe -D (${placesFound('perf', perf, /^p:/gm)})`]: peer('perf', 2, perf),
    gdb: peer('gdb', 1, ['-batch', '-ex', `info line ${place}`, binary]),
  });
}

/** BTF of the running kernel: all functions with their prototypes as text, in a process of its own. */
function kernelTypes(): void {
  const file = '/sys/kernel/btf/vmlinux';
  if (!existsSync(file)) {
    console.log('BTF: this kernel has none');
    return;
  }
  const room = join(import.meta.dirname, '../helper/kernel');
  const { seconds, functions } = JSON.parse(
    inFreshProcess(`const { readFileSync } = await import('node:fs');
      const { Btf } = await import(${JSON.stringify(join(room, 'btf.ts'))});
      const { BtfPrinter } = await import(${JSON.stringify(join(room, 'btf-text.ts'))});
      const { addFunctions } = await import(${JSON.stringify(join(room, 'catalog-functions.ts'))});
      const start = performance.now();
      const btf = new Btf(readFileSync('${file}'));
      const functions = {};
      addFunctions(btf, new BtfPrinter(btf), functions);
      const seconds = (performance.now() - start) / 1000;
      console.log(JSON.stringify({ seconds, functions: Object.keys(functions).length }));`),
  ) as { seconds: number; functions: number };
  console.log(
    `BTF of the running kernel, ${functions} prototypes, first question of a process: ${figure(seconds, true)} · goal 0.12 s`,
  );
}
