import { costLabel, type CostClass, type CostTable } from '../../protocol/cost.ts';
import { formatDuration } from '../../protocol/format.ts';
import type { KernelFunctionSubject, Measure, Subject } from '../../protocol/probe.ts';
import { usedSites } from '../../protocol/sites.ts';
import { hitCost } from './cost.ts';

/** One way to make a probe cheaper. */
export interface CheaperWay {
  /** Short, for a list. */
  readonly label: string;
  /** What it brings and what it costs, in a sentence. */
  readonly detail: string;
  /** Something to paste: a compiler flag, a line of C. */
  readonly copy?: string;
  /** Something to do with the probe at once. */
  readonly measures?: readonly Measure[];
}

export interface CheaperAdvice {
  /** What a hit costs now, and why. */
  readonly now: string;
  readonly ways: readonly CheaperWay[];
}

const reasons: Readonly<Record<CostClass, string>> = {
  nop: 'the probed instruction is a nop, which the kernel skips: it does not get cheaper than this',
  push: 'the probed instruction is one that the kernel emulates',
  endbr64: 'the function begins with endbr64, which this kernel executes in a single step out of line',
  mov: 'the probed instruction is executed in a single step out of line, as most are',
};

/**
 * What *Make this cheap* says of a probe: which instruction is probed, what a hit there costs on this target, and the ways to a
 * cheaper one with what they would cost by the same table, the cheapest first. Ways that bring nothing are left out.
 */
export function cheaperWays(
  subject: Subject,
  measures: readonly Measure[],
  table: CostTable,
  rateHz?: number,
): CheaperAdvice {
  const latency = measures.includes('latency');
  if (subject.kind === 'kernel-function') return { now: kernelCost(subject), ways: [] };
  if (subject.kind === 'function' && subject.bounds !== undefined)
    return waysForGo(subject, measures, table, rateHz);
  const costs = table[latency ? 'latency' : 'count'];
  const classes = usedSites(subject, measures).sites.map((site) => site.cost ?? 'mov');
  const dearest = classes.reduce((a, b) => (costs[b] > costs[a] ? b : a), classes[0] ?? 'mov');
  const now = `${costLabel(costs[dearest], rateHz)}: ${reasons[dearest]}.`;
  const ways: (CheaperWay & { readonly ns: number })[] = [];
  const add = (ns: number, way: CheaperWay): void => {
    // a tenth less is what the measurement cannot tell apart
    if (ns < costs[dearest] * 0.9)
      ways.push({ ...way, ns, detail: `${formatDuration(ns)} a hit. ${way.detail}` });
  };
  if (subject.kind === 'function') {
    add(costs.nop, {
      label: 'Build with a nop at the entry',
      detail:
        'The compiler puts five bytes of nop before the function’s first instruction; they cost the program nothing that can be measured.',
      copy: '-fpatchable-function-entry=5',
    });
    add(costs.nop, {
      label: 'Mark this function alone',
      detail: 'The same for one function, without a flag for all: put it before the definition.',
      copy: '__attribute__((patchable_function_entry(5)))',
    });
    if (dearest === 'endbr64')
      add(costs.push, {
        label: 'Build without landing pads, or set a logpoint on the first line',
        detail:
          'Behind endbr64 a function usually begins with push, which is emulated: a logpoint on its first line sits there. -fcf-protection=none leaves endbr64 out, and with it a protection.',
        copy: '-fcf-protection=none',
      });
  }
  if (subject.kind === 'function' && !latency)
    add(table.count.nop, {
      label: 'Put a USDT probe there',
      detail: 'A probe that the source names, for good: a nop where nobody looks, and where somebody does.',
      copy: `#include <sys/sdt.h>\nDTRACE_PROBE(myprogram, ${subject.function.replaceAll(/\W+/g, '_')});`,
    });
  if (latency) {
    const counted = Math.max(...classes.map((site) => table.count[site]));
    add(counted, {
      label: 'Count only',
      detail: 'One trap a call instead of two; there are no durations then.',
      measures: ['count'],
    });
  }
  ways.sort((a, b) => a.ns - b.ns);
  return { now, ways: ways.map(({ ns: _, ...way }) => way) };
}

/** Go's compiler has no padding for probes; what is left is to measure less. */
function waysForGo(
  subject: Subject,
  measures: readonly Measure[],
  table: CostTable,
  rateHz: number | undefined,
): CheaperAdvice {
  const { hitNs } = hitCost(subject, measures, table);
  const counted = hitCost(subject, ['count'], table).hitNs;
  if (!measures.includes('latency'))
    return {
      now: `${costLabel(hitNs, rateHz)}: Go’s functions cannot be built for cheaper probes.`,
      ways: [],
    };
  return {
    now: `${costLabel(hitNs, rateHz)}: the entry and a return instruction are probed, and returns are executed in a single step out of line.`,
    ways: [
      {
        label: 'Count only',
        detail: `${formatDuration(counted)} a hit. The return instructions are not probed; there are no durations then.`,
        measures: ['count'],
      },
    ],
  };
}

function kernelCost({ attach }: KernelFunctionSubject): string {
  return attach === 'fentry'
    ? 'The kernel calls the probe by fentry and fexit, the cheapest ways there are into its functions.'
    : 'The function is probed by kprobe and kretprobe: this kernel has no fentry for it (BTF with the function’s type, and ftrace’s direct calls).';
}
