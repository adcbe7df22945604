// Functions of a C++ program that `perf probe` cannot find and we attach to: each of ours is put into the kernel.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TracefsSession } from '../../helper/engines/tracefs/session.ts';
import { functionSubject } from '../../helper/symbols/lookup.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import type { FunctionInfo } from '../../helper/symbols/model.ts';
import { perfDefinitions } from '../support/perf-probe.ts';
import { missingTools, sample } from '../support/symbols-corpus.ts';

const artefacts = resolve(import.meta.dirname, '../../test-artefacts');
/** Functions that are asked for, spread over the program, the same ones each time. */
const WANTED = Number(process.env['PROBESCOPE_PLACES'] ?? 500);

const unable =
  process.getuid?.() !== 0
    ? 'needs root'
    : spawnSync('perf', ['--version']).status !== 0
      ? 'needs perf'
      : missingTools('gcc-c++').join(', ') || undefined;

interface Asked {
  readonly name: string;
  /** Places of the function that we attached to. */
  readonly sites: number;
  /** How many of its bodies and copies there are, and in how many of them perf names a place. */
  readonly parts: number;
  readonly ofPerf: number;
  readonly isOnlyInlined: boolean;
}

/** Addresses at which perf would probe the function, by any name that it could be asked by. */
function perfAddresses(debug: DebugInfo, { linkageName, shortName }: FunctionInfo): readonly number[] {
  const names = [...new Set([linkageName ?? shortName, shortName])];
  return names
    .flatMap((name) => perfDefinitions(debug.elf.path, name))
    .flatMap(({ offset }) => debug.elf.vaddrOf(offset) ?? []);
}

const definitionsOf = (path: string): string[] =>
  readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${path}:`));

describe.skipIf(unable !== undefined)('functions of a C++ program with much inlining', () => {
  it('are attached where perf probe finds none of their code', { timeout: 1_800_000 }, async () => {
    const { binary } = sample('gcc-c++');
    const debug = await DebugInfo.open(binary);
    const all = [...debug.functions()];
    const stride = Math.max(1, Math.floor(all.length / WANTED));
    const taken = all.filter((_, index) => index % stride === 0);
    const session = await TracefsSession.open({ elevate: [] });
    const asked: Asked[] = [];
    const refused: string[] = [];
    for (const info of taken) {
      const { sites } = functionSubject(debug, info);
      if (sites.length === 0) {
        refused.push(info.name);
        continue;
      }
      // throws when the kernel does not take one of them
      const event = await session.attach(
        { path: binary, sites, arguments: [], filter: 'common_pid == 0' },
        () => undefined,
      );
      expect(await event.hits()).toHaveLength(sites.length);
      const addresses = perfAddresses(debug, info);
      // perf may mean another instruction of a copy than we: inside its code is good enough
      const parts = [...info.bodies, ...info.inlined];
      const holds = ({ entry, ranges }: (typeof parts)[number]) =>
        addresses.some((at) => at === entry || ranges.some(({ low, high }) => at >= low && at < high));
      asked.push({
        name: info.name,
        sites: sites.length,
        parts: parts.length,
        ofPerf: parts.filter(holds).length,
        isOnlyInlined: info.bodies.length === 0,
      });
    }
    expect(await session.close()).toEqual({ removed: true });
    debug.close();
    expect(definitionsOf(binary)).toEqual([]);

    const none = asked.filter(({ ofPerf }) => ofPerf === 0);
    const some = asked.filter(({ ofPerf, parts }) => ofPerf > 0 && ofPerf < parts);
    const sum = (of: readonly Asked[], count: (each: Asked) => number) =>
      of.reduce((total, each) => total + count(each), 0);
    mkdirSync(artefacts, { recursive: true });
    const list = join(artefacts, 'functions-beyond-perf-probe.tsv');
    writeFileSync(
      list,
      [...none, ...some].map(({ name, parts, ofPerf }) => `${ofPerf}\t${parts}\t${name}\n`).join(''),
    );
    console.log(
      `${taken.length} of ${all.length} functions (${asked.filter(({ isOnlyInlined }) => isOnlyInlined).length} exist as inlined copies only): ` +
        `attached ${asked.length} at ${sum(asked, ({ sites }) => sites)} places; perf probe finds ${sum(asked, ({ ofPerf }) => ofPerf)} of their ${sum(asked, ({ parts }) => parts)} bodies and copies, ` +
        `none of ${none.length} functions and not all of ${some.length} (${list}); ` +
        `without any place: ${refused.length}`,
    );
    expect(refused.length).toBeLessThan(asked.length / 100);
    expect(none.length).toBeGreaterThan(0);
  });
});
