// The values of variables as `perf probe` fetches them and as we do, both attached to a running SQLite, hit by hit.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FetchPlan, type Evaluate } from '../../helper/engines/tracefs/fetch.ts';
import { formatFetch, formatStored } from '../../helper/engines/tracefs/definition.ts';
import type { TraceRecord } from '../../helper/engines/tracefs/record.ts';
import { scopeAt, type PlacedScope } from '../../helper/logpoints/scope.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { Checker } from '../../helper/symbols/expression/check.ts';
import type { InlinedCopy } from '../../helper/symbols/model.ts';
import { parseExpression } from '../../helper/symbols/expression/parser.ts';
import { readingOf, type Reading } from '../../helper/symbols/expression/reading.ts';
import { reachedOffsets } from '../support/reached.ts';
import { perfDefinitionsOfMany, type PerfLine } from '../support/perf-probe.ts';
import { missingTools, sample } from '../support/symbols-corpus.ts';
import { sqliteStatements } from '../support/sqlite-statements.ts';
import { noTracefs, recordDuring, type RawEvent } from '../support/tracefs-run.ts';

/** Functions and lines that ran, of which all variables are compared. */
const WANTED = Number(process.env['PROBESCOPE_PLACES'] ?? 500);
/** Both events of so many addresses are attached together. */
const BATCH = 40;

/** Places that perf is asked about together. */
const AT_ONCE = 48;

const unable =
  noTracefs() ?? (spawnSync('perf', ['--version']).error === undefined ? undefined : 'perf is not installed');
const group = `values_${randomBytes(4).toString('hex')}`;

/** One variable at one address, both ways. */
interface Compared {
  readonly place: string;
  readonly name: string;
  readonly perf: string;
  readonly ours: OurValue | { readonly problem: string };
  /** The location expression at the address; none where the variable has no place there. */
  readonly expression: readonly number[];
  /** A function further out, not the one whose code it is, has a variable of this name. */
  readonly isAlsoOutside: boolean;
  hits: number;
  /** The first hit at which the two differ. */
  different?: string;
}

interface OurValue {
  readonly plan: FetchPlan;
  readonly value: Evaluate<bigint>;
  readonly bits: number;
}

/** Operations of DWARF 5, section 7.7.1. */
const [BREG0, BREG31, FBREG, PIECE] = [0x70, 0x8f, 0x91, 0x93];

/** Copies by their entries, since perf probes an inlined function there, in front of its ranges or not. */
type Copies = ReadonlyMap<number, readonly InlinedCopy[]>;

function copiesOf(debug: DebugInfo): Copies {
  const found = new Map<number, InlinedCopy[]>();
  for (const { inlined } of debug.functions())
    for (const copy of inlined) found.set(copy.entry, [...(found.get(copy.entry) ?? []), copy]);
  return found;
}

function scopeFor(debug: DebugInfo, vaddr: number, name: string, copies: Copies): PlacedScope {
  const scope = scopeAt(debug, vaddr);
  if (scope.variables.some((variable) => variable.name === name)) return scope;
  const around = debug.scopesAt(vaddr).map(({ variables }) => variables);
  const entered = (copies.get(vaddr) ?? []).map((copy) => debug.variablesOfCopy(copy));
  const variables = [...entered, ...around].find((list) => list.some((each) => each.name === name));
  return variables === undefined ? scope : { ...scope, variables };
}

function ourValue(debug: DebugInfo, vaddr: number, name: string, copies: Copies): Compared['ours'] {
  const fileOffsetBytes = debug.elf.fileOffsetOf(vaddr) ?? 0;
  try {
    const scope = scopeFor(debug, vaddr, name, copies);
    const plan = new FetchPlan(
      debug.elf.header.machine,
      { vaddr, fileOffsetBytes },
      vaddr === scope.functionEntry,
    );
    const read = (text: string): Reading => {
      const checker = new Checker(scope);
      const expression = parseExpression(text, (type) => scope.type(type) !== undefined);
      return readingOf(checker, checker.check(expression), expression);
    };
    let reading = read(name);
    // perf cuts structures and arrays down to their first eight bytes
    if (!['integer', 'text', 'missing'].includes(reading.kind)) reading = read(`*(u64 *)&${name}`);
    if (reading.kind === 'integer') return { plan, value: plan.number(reading.term), bits: reading.bits };
    if (reading.kind === 'text') return { plan, value: plan.number(reading.term), bits: 64 };
    return { problem: reading.kind === 'missing' ? reading.reason : `is read as ${reading.kind}` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function expressionOf(debug: DebugInfo, vaddr: number, name: string, copies: Copies): readonly number[] {
  const variable = scopeFor(debug, vaddr, name, copies).variables.find((each) => each.name === name);
  const here = variable?.locations().find(({ low, high }) => low <= vaddr && vaddr < high);
  return [...(here?.expression ?? [])];
}

function isAlsoOutside(debug: DebugInfo, vaddr: number, name: string): boolean {
  const [innermost, ...around] = debug.scopesAt(vaddr);
  return around.some(
    (scope) => scope.function !== innermost?.function && scope.variables.some((each) => each.name === name),
  );
}

function comparisons(debug: DebugInfo, { offset, fetched }: PerfLine, copies: Copies): Compared[] {
  const vaddr = debug.elf.vaddrOf(offset) ?? 0;
  const [frame] = debug.frames(vaddr);
  const place = `${frame?.function ?? '??'} line ${frame?.line ?? 0} at 0x${vaddr.toString(16)}`;
  // `@name` is a symbol of the kernel's: the kernel refuses it in a probe of a program
  const usable = [...fetched].filter(([, perf]) => !/^@[A-Za-z_]/.test(perf));
  return usable.map(([name, perf]) => ({
    place,
    name,
    perf,
    ours: ourValue(debug, vaddr, name, copies),
    expression: expressionOf(debug, vaddr, name, copies),
    isAlsoOutside: isAlsoOutside(debug, vaddr, name),
    hits: 0,
  }));
}

/** The two events of an address: perf's with its own fetchargs, ours with what all our plans need. */
function eventsOf(binary: string, offset: number, index: number, compared: readonly Compared[]): RawEvent[] {
  const event = (kind: string, fetches: readonly string[]): RawEvent => ({
    name: `${kind}${index}_${group}`,
    path: binary,
    fileOffsetBytes: offset,
    arguments: fetches.map((fetch, at) => ({ name: `a${at}_${group}`, fetch })),
  });
  const ours = compared.flatMap(({ ours: own }) =>
    'plan' in own
      ? own.plan.arguments.map(({ fetch, stored }) => `${formatFetch(fetch)}:${formatStored(stored)}`)
      : [],
  );
  return [
    event(
      'p',
      // the same bits, printed as decimal digits, which is what our parser reads; without a type the kernel takes x64
      compared.map(({ perf }) => (/:\w+$/.test(perf) ? perf.replace(/:x(\d+)$/, ':u$1') : `${perf}:u64`)),
    ),
    event('o', ours),
  ];
}

/** `x64`, `s32`, `u8`: the bits that perf prints of a value. */
const bitsOf = (perf: string): number => Number(/:[sux](\d+)$/.exec(perf)?.[1] ?? 64);

function compareHits(
  compared: readonly Compared[],
  perf: readonly TraceRecord[],
  ours: readonly TraceRecord[],
  vaddr: number,
): void {
  const hits = Math.min(perf.length, ours.length);
  for (let hit = 0; hit < hits; hit++) {
    const [theirRecord, ourRecord] = [perf[hit], ours[hit]];
    if (theirRecord === undefined || ourRecord === undefined || theirRecord.ip !== ourRecord.ip)
      throw new Error('the two events of an address were not recorded alike');
    let at = 0;
    compared.forEach((each, index) => {
      if (!('plan' in each.ours)) return;
      const { plan, value, bits } = each.ours;
      const values = ourRecord.values.slice(at, (at += plan.arguments.length));
      const own = value({
        values,
        biasBytes: ourRecord.ip - BigInt(vaddr),
        isMapped: () => undefined,
      });
      const theirs = theirRecord.values[index];
      each.hits++;
      const width = Math.min(bits, bitsOf(each.perf));
      const same =
        own !== undefined &&
        typeof theirs === 'bigint' &&
        BigInt.asUintN(width, own) === BigInt.asUintN(width, theirs);
      if (!same) each.different ??= `hit ${hit}: perf ${String(theirs)}, ours ${String(own)}`;
    });
  }
}

function runSqlite(binary: string): void {
  // one processor: the two events of an address lie behind each other in one buffer
  const { status, stderr } = spawnSync('taskset', ['-c', '0', binary, ...sqliteStatements], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`SQLite ended with ${status}: ${stderr}`);
}

/** Those of the addresses that the workload reaches. */
const reached = (binary: string, offsets: readonly number[]): Set<number> =>
  reachedOffsets(binary, sqliteStatements, offsets);

/** Somewhere to ask perf about: its spelling, and the file offsets by which it is known whether it runs. */
interface Place {
  readonly spelling: string;
  readonly fileOffsets: readonly number[];
}

/** perf's definitions at the places that run, of the first {@link WANTED} addresses that run. */
function perfLines(binary: string, places: readonly Place[]): PerfLine[] {
  const runs = reached(
    binary,
    places.flatMap(({ fileOffsets }) => fileOffsets),
  );
  const asked = places
    .filter(({ fileOffsets }) => fileOffsets.some((offset) => runs.has(offset)))
    .map(({ spelling }) => spelling);
  const known = new Set<number>();
  const found: PerfLine[] = [];
  const hung: string[] = [];
  for (let from = 0; from < asked.length && found.length < WANTED; from += AT_ONCE) {
    const lines = perfDefinitionsOfMany(binary, asked.slice(from, from + AT_ONCE), (place) =>
      hung.push(place),
    );
    const fresh = lines.filter(({ offset, fetched }) => fetched.size > 0 && !known.has(offset));
    for (const { offset } of fresh) known.add(offset);
    // a function of that name may be inlined elsewhere, and a line has other addresses
    const hit = reached(
      binary,
      fresh.map(({ offset }) => offset),
    );
    const byOffset = new Map(fresh.map((line) => [line.offset, line]));
    found.push(...[...byOffset.values()].filter(({ offset }) => hit.has(offset)));
  }
  if (hung.length > 0) console.log(`perf did not end at ${hung.length} places: ${hung.join(', ')}`);
  return found.slice(0, WANTED);
}

function compareAll(debug: DebugInfo, binary: string, places: readonly Place[]): Compared[] {
  const lines = perfLines(binary, places);
  const copies = copiesOf(debug);
  const all: Compared[] = [];
  for (let from = 0; from < lines.length; from += BATCH) {
    const batch = lines.slice(from, from + BATCH).map((line, index) => {
      const compared = comparisons(debug, line, copies);
      return { line, compared, events: eventsOf(binary, line.offset, index, compared) };
    });
    const { records, refused } = recordDuring(
      group,
      batch.flatMap(({ events }) => events),
      () => runSqlite(binary),
    );
    for (const { line, compared, events } of batch) {
      const [perf, ours] = events.map(({ name }) => records.get(name) ?? []);
      const problem = events.map(({ name }) => refused.get(name)).find((text) => text !== undefined);
      if (problem !== undefined) throw new Error(`${compared[0]?.place ?? ''}: ${problem}`);
      compareHits(compared, perf ?? [], ours ?? [], debug.elf.vaddrOf(line.offset) ?? 0);
      all.push(...compared);
    }
  }
  return all;
}

/** perf 6.1 reads memory at what the first operation gives (a register and an offset), and leaves out all that follow. */
function stopsEarly({ perf, expression: [first = 0, ...rest] }: Compared): boolean {
  const isBased = (first >= BREG0 && first <= BREG31) || first === FBREG;
  const operand = rest.findIndex((byte) => byte < 0x80) + 1;
  return isBased && rest.length > operand && /^[-+]?\d*\(/.test(perf);
}

/** `\\-102:s32` of a constant that is 154 in one byte. */
function misreadsConstant({ perf, ours, different = '' }: Compared): boolean {
  const constant = /^\\-(\d+):/.exec(perf)?.[1];
  return 'value' in ours && constant !== undefined && different.endsWith(`ours ${256 - Number(constant)}`);
}

const perfMisreads = (each: Compared): boolean => stopsEarly(each) || misreadsConstant(each);

/** What cannot be compared: structures in pieces (perf shows the first), 16 bytes (perf shows eight), and a variable of a scope further out. */
function isIncomparable({ ours, expression, isAlsoOutside: outside }: Compared): boolean {
  if (!('problem' in ours)) return false;
  return (
    (expression.length === 0 && outside) ||
    expression.includes(PIECE) ||
    ours.problem.includes('has 16 bytes')
  );
}

function report(what: string, all: readonly Compared[]): readonly string[] {
  const places = new Set(all.map(({ place }) => place)).size;
  const hits = all.reduce((sum, each) => sum + each.hits, 0);
  const unread = all.filter(({ ours }) => 'problem' in ours);
  const different = all.filter((each) => each.different !== undefined);
  const misread = [...unread, ...different].filter(perfMisreads);
  const others = [...unread, ...different].filter((each) => !perfMisreads(each));
  const open = others.filter((each) => !isIncomparable(each));
  console.log(
    `${what}: ${all.length} variables at ${places} addresses, ${hits} values compared; ${misread.length} variables misread by perf, ${others.length - open.length} not to be compared, ${open.length} differ`,
  );
  return open.map(({ place, name, perf, ours, different: how }) =>
    'problem' in ours
      ? `${name} in ${place}: perf ${perf}, ours: ${ours.problem}`
      : `${name} in ${place}: perf ${perf}: ${how ?? ''}`,
  );
}

describe.skipIf(unable !== undefined || missingTools('sqlite-gcc').length > 0)(
  'values in a running SQLite -O2 are those that perf probe reads',
  () => {
    it('at functions', { timeout: 1_800_000 }, async () => {
      const { binary } = sample('sqlite-gcc');
      const debug = await DebugInfo.open(binary);
      const offsetsOf = (entries: readonly { readonly entry: number }[]): number[] =>
        entries.flatMap(({ entry }) => debug.elf.fileOffsetOf(entry) ?? []);
      // those with code of their own first, then what exists as inlined copies only
      const functions = [...debug.functions()].sort(
        (a, b) => Number(a.bodies.length === 0) - Number(b.bodies.length === 0),
      );
      const places = functions.map(({ bodies, inlined, shortName }): Place => ({
        spelling: `${shortName} $vars`,
        fileOffsets: offsetsOf(bodies.length > 0 ? bodies.slice(0, 1) : inlined),
      }));
      const all = compareAll(debug, binary, places);
      debug.close();
      expect(report('functions', all)).toEqual([]);
      expect(all.length).toBeGreaterThan(WANTED);
    });

    it('at lines', { timeout: 1_800_000 }, async () => {
      const { binary } = sample('sqlite-gcc');
      const debug = await DebugInfo.open(binary);
      const lines = new Map<number, number>();
      for (const { bodies } of debug.functions())
        for (const { ranges } of bodies)
          for (const { line, address, isStatement } of debug.rowsInside(ranges))
            // perf refuses a line whose address belongs to another one as well
            if (isStatement && !lines.has(line) && debug.frames(address)[0]?.line === line)
              lines.set(line, debug.elf.fileOffsetOf(address) ?? 0);
      // spread over the file, the same ones each time
      const places = [...lines]
        .sort(([a], [b]) => a - b)
        .filter((_, index) => index % 12 === 0)
        .map(([line, fileOffset]): Place => ({
          spelling: `sqlite3.c:${line} $vars`,
          fileOffsets: [fileOffset],
        }));
      const all = compareAll(debug, binary, places);
      debug.close();
      expect(report('lines', all)).toEqual([]);
      expect(all.length).toBeGreaterThan(WANTED);
    });
  },
);
