import { basename } from 'node:path';
import { CostCache } from './cost-cache.ts';
import { calibrate, type Attach } from './kernel/calibration/calibrate.ts';
import { ElfFile } from './symbols/elf.ts';
import type { TraceService } from './trace-service.ts';
import type { CostTable } from '../protocol/cost.ts';
import type { Measure, ProbeSpec } from '../protocol/probe.ts';
import { randomBytes } from './host/random.ts';

/** Nobody reads the snapshots of a calibration. */
const INTERVAL_MS = 60_000;

/** What hits cost on this target, measured once with the very scripts that trace. */
export class CostService {
  readonly #trace: TraceService;
  #table: Promise<CostTable> | undefined;

  constructor(trace: TraceService) {
    this.#trace = trace;
  }

  /** What is known; measured when nothing is and `measure` is true. Throws what kept it from being measured; the next call tries again. */
  async hitCosts(measure: boolean): Promise<{ costs?: CostTable }> {
    if (this.#table !== undefined) return { costs: await this.#table };
    const cache = new CostCache(await this.#trace.engineVersion());
    const known = await cache.read();
    if (known === undefined && !measure) return {};
    this.#table ??= known === undefined ? this.#measure(cache) : Promise.resolve(known);
    this.#table.catch(() => (this.#table = undefined));
    return { costs: await this.#table };
  }

  async #measure(cache: CostCache): Promise<CostTable> {
    const count = await calibrate(this.#attach('count'));
    const latency = await calibrate(this.#attach('latency'));
    await cache.write({ count, latency });
    return { count, latency };
  }

  #attach(measure: Measure): Attach {
    return async (binary, symbols) => {
      const session = `calibration-${measure}-${randomBytes(8).toString('hex')}`;
      const probes = specs(binary, symbols, measure);
      await this.#trace.open(
        { session, probes, intervalMs: INTERVAL_MS },
        { cancelled: new AbortController().signal },
      );
      return {
        detach: async () => {
          await this.#trace.close({ session });
        },
      };
    };
  }
}

function specs(binary: string, symbols: readonly string[], measure: Measure): ProbeSpec[] {
  const elf = ElfFile.open(binary);
  try {
    const table = elf.symbols();
    table?.load();
    return symbols.map((symbol, index) => {
      let vaddr = 0;
      for (let at = 1; table !== undefined && at < table.count; at++)
        if (table.name(at) === symbol) vaddr = table.values[at] ?? 0;
      const site = { kind: 'entry' as const, symbol, vaddr, fileOffsetBytes: elf.fileOffsetOf(vaddr) ?? 0 };
      return {
        id: index + 1,
        binary,
        subject: {
          kind: 'function' as const,
          function: `${basename(binary)}:${symbol}`,
          sites: [site],
          refused: [],
        },
        measures: [measure],
      };
    });
  } finally {
    elf.close();
  }
}
