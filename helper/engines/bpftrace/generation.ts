import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProbeError } from '../../../protocol/errors.ts';
import type { ProbeId, ProbeSpec } from '../../../protocol/probe.ts';
import { BpftraceEngine, type EngineCommand, type Printout } from './engine.ts';
import { attachable, generate, KEYS_OF_A_SITE, type Orders } from './generate.ts';
import { needsAlias, orderToken } from './quote.ts';
import { estimatedMapBytes, keysWithin, mapBytesBelow, type MapCounts } from './map-memory.ts';
import { openCalls, readPrintout, type RawTotals } from './totals.ts';
import { atLeast } from './version.ts';

/** What a session needs to know of its host. */
export interface EngineHost {
  readonly command: EngineCommand;
  readonly arch: string;
  /** 32-bit programs have shorter return addresses. */
  readonly is64Bit: (binary: string) => boolean;
  /** `pid` in scripts counts as the helper does: true in the first pid namespace, and for bpftrace ≥ 0.23. */
  readonly samePids: boolean;
  readonly log: (message: string) => void;
}

/** Keys of a map where the limit cannot be set, and the most that is asked for. */
const DEFAULT_KEYS = 4096;
const USUAL_KEYS = 16384;
const LEAST_KEYS = 1024;
const MOST_KEYS = 65536;
/** Maps are made no larger than this together, unless the sites need it; the governor's budget is 64 MB. */
const MAP_BUDGET_BYTES = 48e6;
/** bpftrace refuses more attach points than this unless told otherwise. */
const USUAL_POINTS = 500;

/** Totals with stacks still as addresses. */
export type Sums = ReadonlyMap<ProbeId, RawTotals>;

/**
 * One bpftrace of a session. When probes come or go a new one takes over: it attaches with its gate closed, one order
 * closes the old gate and opens the new one, and what the old one counted is added to what the new one counts.
 */
export class Generation {
  readonly probes: readonly ProbeSpec[];
  readonly engine: BpftraceEngine;
  readonly orders: Orders;
  readonly script: string;
  readonly sites: number;
  readonly #aliases: Aliases;
  readonly #startedNs: number;
  readonly #estimatedMapBytes: number;

  /** `onOrder` is the predecessor's `off`, so that both obey at once; a word of its own for the first. */
  constructor(probes: readonly ProbeSpec[], host: EngineHost, onOrder: string | undefined, first: boolean) {
    this.probes = probes;
    this.orders = {
      on: onOrder ?? orderToken(),
      print: orderToken(),
      printStacks: orderToken(),
      off: orderToken(),
    };
    this.#aliases = new Aliases();
    const pids = new Set(probes.map((probe) => probe.pid));
    const onlyPid = pids.size === 1 ? [...pids][0] : undefined;
    const bindPid = !host.samePids && onlyPid !== undefined;
    const { command } = host;
    const canSetKeys = command.passesEnvironment || command.takesKeys || atLeast(command.version, '0.20');
    const siteCount = probes.reduce((sum, probe) => sum + probe.subject.sites.filter(attachable).length, 0);
    const needed = KEYS_OF_A_SITE * siteCount;
    const maps = mapsOf(probes);
    // On a machine with many processors a key costs a value for each of them.
    const affordable = keysWithin(MAP_BUDGET_BYTES, maps, cpus().length, Math.max(LEAST_KEYS, needed));
    const mapKeys = canSetKeys ? Math.min(MOST_KEYS, affordable, Math.max(USUAL_KEYS, needed)) : DEFAULT_KEYS;
    this.#estimatedMapBytes = estimatedMapBytes(maps, mapKeys, cpus().length);
    try {
      const plan = generate(probes, {
        version: command.version,
        arch: host.arch,
        orders: this.orders,
        mapKeys,
        first,
        pathOf: (binary) => this.#aliases.pathOf(binary),
        returnAddressBytes: remembered((binary) => (host.arch !== 'x64' ? 0 : host.is64Bit(binary) ? 8 : 4)),
        filterPid: !bindPid,
      });
      this.script = plan.script;
      this.sites = plan.sites;
      this.#startedNs = Number(process.hrtime.bigint());
      const points = 2 * plan.sites + USUAL_POINTS;
      this.engine = new BpftraceEngine({
        command,
        plan,
        orders: this.orders,
        args: [
          ...(bindPid ? ['-p', String(onlyPid)] : []),
          ...(command.takesKeys ? ['--map-keys', String(mapKeys)] : []),
          // Counters that guard USDT probes are raised in every process that maps the file
          ...(plan.usesGuardedUsdt && !bindPid ? ['--usdt-file-activation'] : []),
        ],
        env: {
          BPFTRACE_MAP_KEYS_MAX: String(mapKeys),
          BPFTRACE_NO_USER_SYMBOLS: '1',
          BPFTRACE_MAX_PROBES: String(points),
          BPFTRACE_MAX_BPF_PROGS: String(points),
        },
        log: host.log,
      });
    } catch (error) {
      this.#aliases.dispose();
      throw error;
    }
    void this.engine.ended.then(() => this.#aliases.dispose());
  }

  /** The script without the words that this engine obeys, which nobody else may know while it runs. */
  get shownScript(): string {
    return Object.entries<string>({ ...this.orders }).reduce(
      (text, [name, word]) => text.replaceAll(word, `probescope_${name}`),
      this.script,
    );
  }

  /** Resolves when everything is attached, with the gate still closed. */
  async ready(cancelled?: AbortSignal): Promise<void> {
    await this.engine.ready(cancelled);
    this.#aliases.dispose();
    const { attachedPoints, plan } = this.engine;
    // 0.17 passes over symbols that it does not find without a word
    if (attachedPoints !== undefined && attachedPoints < plan.points)
      throw new ProbeError({
        code: 'probe-refused',
        message: `bpftrace attached ${attachedPoints} of ${plan.points} places.`,
        remedy:
          'A symbol may be missing from the binary as it lies on the disk now: look the functions up again.',
      });
  }

  /** Memory of its maps in the kernel. */
  get mapBytes(): number {
    return mapBytesBelow(this.engine.pid) ?? this.#estimatedMapBytes;
  }

  /** A printout sorted by probe. */
  read(printout: Printout): Sums {
    return readPrintout(printout, this.engine.plan);
  }

  /** The last printout; calls that only this generation could have timed count as abandoned. */
  readLast(printout: Printout, successor: Generation | undefined): Sums {
    const sums = this.read(printout);
    if (successor === undefined) return sums;
    const open = openCalls(printout, this.engine.plan, successor.#startedNs);
    return new Map(
      [...sums].map(([probe, totals]) => [
        probe,
        {
          ...totals,
          lost: { ...totals.lost, missedEntries: totals.lost.missedEntries + (open.get(probe) ?? 0) },
        },
      ]),
    );
  }
}

/** The maps of `snippets.ts` that a script for these probes has. */
function mapsOf(probes: readonly ProbeSpec[]): MapCounts {
  const latency = probes.some(({ measures }) => measures.includes('latency'));
  const callers = probes.some(({ measures }) => measures.includes('callers'));
  return { perCpu: 1 + (latency ? 7 : 0) + (callers ? 1 : 0), plain: latency ? 3 : 0 };
}

/** Asks once for each binary: many probes are of one. */
function remembered(ask: (binary: string) => number): (binary: string) => number {
  const answers = new Map<string, number>();
  return (binary) => {
    const answer = answers.get(binary) ?? ask(binary);
    answers.set(binary, answer);
    return answer;
  };
}

/** Other names for binaries whose paths bpftrace cannot read: links in a private folder. */
class Aliases {
  #folder: string | undefined;
  readonly #links = new Map<string, string>();

  pathOf(binary: string): string {
    if (!needsAlias(binary)) return binary;
    const known = this.#links.get(binary);
    if (known !== undefined) return known;
    this.#folder ??= mkdtempSync(join(tmpdir(), 'probescope-'));
    const link = join(this.#folder, String(this.#links.size));
    symlinkSync(binary, link);
    this.#links.set(binary, link);
    return link;
  }

  dispose(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
