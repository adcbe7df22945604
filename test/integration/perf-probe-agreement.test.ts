// Agreement with `perf probe`: wherever perf gives a fetcharg for a variable, ours reads the same value in the running program.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FetchPlan } from '../../helper/engines/tracefs/fetch.ts';
import { formatFetch, formatStored } from '../../helper/engines/tracefs/definition.ts';
import { scopeAt } from '../../helper/logpoints/scope.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { Checker } from '../../helper/symbols/expression/check.ts';
import { parseExpression } from '../../helper/symbols/expression/parser.ts';
import { readingOf } from '../../helper/symbols/expression/reading.ts';
import { compileShow } from '../../helper/engines/tracefs/show.ts';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { perfDefinitions } from '../support/perf-probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-perf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The same variable as we would fetch it at that file offset: the last argument is the value, those before it pointers. */
function ourFetch(
  debug: DebugInfo,
  fileOffset: number,
  name: string,
  owner: string | undefined,
): string[] | string {
  const vaddr = debug.elf.vaddrOf(fileOffset) ?? 0;
  const scope = scopeAt(debug, vaddr, owner);
  const plan = new FetchPlan(
    debug.elf.header.machine,
    { vaddr, fileOffsetBytes: fileOffset },
    vaddr === scope.functionEntry,
  );
  try {
    const checker = new Checker(scope);
    const expression = parseExpression(name);
    compileShow(plan, readingOf(checker, checker.check(expression), expression));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return plan.arguments.map(({ fetch, stored }) => `${formatFetch(fetch)}:${formatStored(stored)}`);
}

/** The place without the type: `%di`, `-20(%sp)`; the kernel reads `+0(%sp)` and `+0x0(%sp)` alike. */
const placeOf = (fetch: string): string =>
  fetch
    .replace(/:[^:]*$/, '')
    .replaceAll(
      /([+-])(0x[0-9a-f]+|\d+)\(/g,
      (_, sign: string, offset: string) => `${sign}${Number(offset)}(`,
    );

interface Tally {
  compared: number;
  readonly different: string[];
  /** Where perf takes a computed value for an address. */
  readonly perfWrong: string[];
  places: number;
}

function compare(
  debug: DebugInfo,
  binary: string,
  place: string,
  names: readonly string[],
  tally: Tally,
  owner?: string,
): void {
  tally.places++;
  for (const name of names)
    for (const { offset, fetched } of perfDefinitions(binary, `${place} ${name}`)) {
      const perf = fetched.get(name);
      if (perf === undefined) continue;
      tally.compared++;
      const ours = ourFetch(debug, offset, name, owner);
      const same = Array.isArray(ours) && ours.some((fetch) => placeOf(fetch) === placeOf(perf));
      // `DW_OP_breg2 -1, DW_OP_stack_value` is the number rcx - 1; perf 6.1 reads the memory there.
      const misread = /^[+-]\d+\((%\w+)\)$/.exec(placeOf(perf))?.[1];
      if (!same && misread !== undefined && Array.isArray(ours) && placeOf(ours[0] ?? '') === misread) {
        tally.perfWrong.push(`${place} ${name}: perf ${perf}`);
        continue;
      }
      if (!same) tally.different.push(`${place} ${name}: perf ${perf}, ours ${JSON.stringify(ours)}`);
    }
}

const noPerf = spawnSync('perf', ['--version']).error === undefined ? undefined : 'perf is not installed';

/** Places a program: `PROBESCOPE_PLACES=1000 PROBESCOPE_BINARY=… npm run test:integration` for more. */
const most = Number(process.env['PROBESCOPE_PLACES'] ?? 40);
const own = process.env['PROBESCOPE_BINARY'];

describe('arguments agree with perf probe', () => {
  for (const workload of own === undefined ? (['shop', 'shapes'] as const) : ([own] as const))
    it(`at functions and lines of ${workload}`, { timeout: 600_000 }, async (ctx) => {
      if (noPerf !== undefined) return ctx.skip(noPerf);
      try {
        if (workload === 'shop' || workload === 'shapes') buildWorkload(workload);
      } catch (error) {
        return ctx.skip(String(error));
      }
      const binary = workload === 'shop' || workload === 'shapes' ? programOf(workload) : workload;
      const debug = await DebugInfo.open(binary);
      const tally: Tally = { compared: 0, different: [], perfWrong: [], places: 0 };
      for (const info of debug.functions()) {
        const body = info.bodies[0];
        if (body === undefined || tally.places > most) continue;
        const names =
          debug
            .scopesAt(body.entry)
            .at(-1)
            ?.variables.filter(({ kind }) => kind === 'parameter')
            .map(({ name }) => name) ?? [];
        if (names.length > 0 && info.shortName.match(/^\w+$/))
          compare(debug, binary, info.shortName, names, tally, debug.scopesAt(body.entry).at(-1)?.function);
        const declared = info.declared;
        if (declared === undefined) continue;
        for (const line of [declared.line + 2, declared.line + 4]) {
          const locals = linesIn(debug, declared.file, line);
          if (locals.length > 0)
            compare(debug, binary, `${declared.file}:${line}`, locals.slice(0, 3), tally);
        }
      }
      console.log(
        `${workload}: ${tally.compared} variables compared at ${tally.places} places, ${tally.different.length} differ, ${tally.perfWrong.length} misread by perf`,
      );
      expect(tally.different).toEqual([]);
      expect(tally.compared).toBeGreaterThan(5);
      debug.close();
    });
});

function linesIn(debug: DebugInfo, file: string, line: number): string[] {
  try {
    const { sites, moved } = debug.lineSites(file, line);
    const site = sites[0];
    if (moved || site === undefined) return [];
    return [
      ...new Set(
        debug
          .scopesAt(site.address)[0]
          ?.variables.map(({ name }) => name)
          .filter((name) => /^\w+$/.test(name)) ?? [],
      ),
    ];
  } catch {
    return [];
  }
}
