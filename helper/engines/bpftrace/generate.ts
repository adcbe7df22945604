import type { KernelFunctionSubject, ProbeId, ProbeSpec, Site } from '../../../protocol/probe.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import { kernelPoint, usdtPoint, uprobePoint } from './quote.ts';
import { atLeast } from './version.ts';
import {
  endOfTaskCode,
  fentryCode,
  fexitCode,
  kernelCountCode,
  kprobeEntryCode,
  kretprobeCode,
} from './kernel-snippets.ts';
import {
  beginCode,
  bucketCode,
  countCode,
  endOfThreadCode,
  entryCode,
  printCode,
  returnCode,
} from './snippets.ts';

/** Orders are given by naming a thread with one of these words; see `orders.ts`. */
export interface Orders {
  /** Open the gate: from here on hits count. */
  readonly on: string;
  /** Print all maps but the stacks. */
  readonly print: string;
  /** Print all maps. */
  readonly printStacks: string;
  /** Close the gate, print all maps, detach and end. */
  readonly off: string;
}

export interface GenerateOptions {
  readonly version: string;
  readonly arch: string;
  readonly orders: Orders;
  /** Largest number of keys in a map; applied in the script where the version can (0.20 on), else by environment. */
  readonly mapKeys: number;
  /**
   * The first generation of a session ignores calls that began before the gate opened (they count as missed entries).
   * A later one measures them, for its predecessor counted them.
   */
  readonly first: boolean;
  /** How a probe's binary is called in the script. */
  readonly pathOf: (binary: string) => string;
  /** Bytes of the return address: 8, or 4 for 32-bit x86 programs; 0 where it is in a register. */
  readonly returnAddressBytes: (binary: string) => number;
  /** Filter with `pid ==`; false when the whole engine is bound to the process by `-p`. */
  readonly filterPid: boolean;
}

/** What the numbers in the script's output stand for. */
export interface Plan {
  readonly script: string;
  /** Site code → probe. Codes are what the script's maps are keyed by. */
  readonly probeOf: ReadonlyMap<number, ProbeId>;
  readonly sites: number;
  /** Attach points of functions: fewer mean that bpftrace passed some over. */
  readonly points: number;
  readonly hasCallers: boolean;
  readonly hasLatency: boolean;
  /** A USDT probe has a counter that must be raised before it fires. */
  readonly usesGuardedUsdt: boolean;
}

interface PlannedSite {
  readonly probe: ProbeSpec;
  readonly site: Site;
  readonly entryPoint: string;
  readonly returnPoint?: string;
  readonly low: number;
}

/** Sites whose code is one clause: told apart at run time by the low 12 bits of the address they are hit at. */
interface Group {
  readonly key: string;
  readonly pid: number | undefined;
  readonly latency: boolean;
  readonly callers: boolean;
  readonly returnAddressBytes: number;
  /** A function of the kernel, whose clauses are its own. */
  readonly kernel: KernelFunctionSubject | undefined;
  readonly sites: PlannedSite[];
  readonly owners: Map<number, ProbeId>;
}

/** Position-independent code is moved by whole pages, so the low 12 bits of an address are those of the file. */
const PAGE_MASK = 0xfff;
/** Codes of a group start at GROUP_STEP · number + 1, so that no code is 0. */
const GROUP_STEP = 0x2000;
/** A map holds 4,096 keys where it cannot be told otherwise; a latency distribution rarely fills 150 of its buckets. */
export const KEYS_OF_A_SITE = 256;

/** Sites that bpftrace can attach by name. */
export function attachable(site: Site): boolean {
  return (
    site.kind === 'usdt' ||
    (site.symbol !== undefined && ['entry', 'clone', 'ifunc-target'].includes(site.kind))
  );
}

/**
 * One script for all probes.
 *
 * LLVM's time grows with the code, not with the number of attach points: a clause with a list of points is compiled
 * once, so sites of the same kind share one. (50 entry+return pairs as clauses of their own: 0.63 s to attach; shared:
 * 0.20 s; a hand-written script with hist(): 0.27 s.)
 */
export function generate(probes: readonly ProbeSpec[], options: GenerateOptions): Plan {
  const groups: Group[] = [];
  for (const probe of probes)
    for (const planned of plan(probe, options)) groupFor(groups, planned, options).sites.push(planned);
  const probeOf = new Map<number, ProbeId>();
  for (const [number, group] of groups.entries())
    for (const [low, probe] of group.owners) probeOf.set(GROUP_STEP * number + low + 1, probe);
  const hasLatency = groups.some((group) => group.latency);
  const hasCallers = groups.some((group) => group.callers);
  const stackMaps = stackMapsOf(groups);
  const usesGuardedUsdt = groups.some((group) => group.sites.some(({ site }) => site.guarded === true));
  const text = [
    ...(atLeast(options.version, '0.20') ? [`config = { max_map_keys = ${options.mapKeys} }`] : []),
    beginCode(hasLatency),
    ...groups.flatMap((group, number) => clauses(group, GROUP_STEP * number + 1, options)),
    ...(hasLatency ? [endOfThreadCode] : []),
    ...(groups.some(({ latency, kernel }) => latency && kernel !== undefined) ? [endOfTaskCode] : []),
    ...controlClauses(options.orders, hasLatency, stackMaps),
  ];
  const sites = groups.reduce((sum, group) => sum + group.sites.length, 0);
  const points = new Set(
    groups.flatMap((group) =>
      group.sites.flatMap(({ entryPoint, returnPoint }) =>
        group.latency && returnPoint !== undefined ? [entryPoint, returnPoint] : [entryPoint],
      ),
    ),
  ).size;
  return { script: `${text.join('\n')}\n`, probeOf, sites, points, hasCallers, hasLatency, usesGuardedUsdt };
}

/** Stacks of programs and of the kernel are of two types. */
function stackMapsOf(groups: readonly Group[]): string[] {
  const of = (kernel: boolean): boolean =>
    groups.some((group) => group.callers && (group.kernel !== undefined) === kernel);
  return [...(of(false) ? ['@k'] : []), ...(of(true) ? ['@kk'] : [])];
}

function plan(probe: ProbeSpec, options: GenerateOptions): PlannedSite[] {
  const { subject } = probe;
  if (subject.kind === 'kernel-function') return planKernel(probe, subject, options);
  const path = options.pathOf(probe.binary);
  const sites = subject.sites.filter(attachable);
  const name = subject.kind === 'usdt' ? `${subject.provider}:${subject.name}` : subject.function;
  if (sites.length === 0)
    throw new ProbeError({
      code: 'probe-refused',
      message: `${name} in ${probe.binary} has no place that bpftrace can attach to by name.`,
      remedy: 'Trace a caller of it, or a logpoint on one of its lines.',
    });
  if (subject.kind === 'usdt') {
    if (probe.measures.includes('latency'))
      throw new ProbeError({
        code: 'invalid-argument',
        message: `${name} is a USDT probe: a point, which has no latency.`,
        remedy: 'Measure its count or its callers.',
      });
    const entryPoint = usdtPoint(path, subject.provider, subject.name);
    return sites.map((site) => ({ probe, site, entryPoint, low: site.vaddr & PAGE_MASK }));
  }
  if (probe.measures.includes('latency') && subject.unwinding === 'throws')
    throw new ProbeError({
      code: 'probe-refused',
      message: `An exception can pass through ${name}, and measuring its returns would then end the program (std::terminate).`,
      remedy:
        'Measure its count or its callers, or the latency of a function that does not throw or that catches.',
    });
  return sites.map((site) => ({
    probe,
    site,
    entryPoint: uprobePoint('uprobe', path, site.symbol ?? ''),
    returnPoint: uprobePoint('uretprobe', path, site.symbol ?? ''),
    low: site.vaddr & PAGE_MASK,
  }));
}

/** fentry is called kfunc before 0.20, where kprobes take no module either (the names of functions are the kernel's all the same). */
function planKernel(
  probe: ProbeSpec,
  { attach, module, function: name, sites }: KernelFunctionSubject,
  { version, filterPid }: GenerateOptions,
): PlannedSite[] {
  if (probe.pid !== undefined && !filterPid)
    throw new ProbeError({
      code: 'probe-refused',
      message: `bpftrace ${version} in a process namespace of its own cannot tell process ${probe.pid} from others in the kernel.`,
      remedy: `Measure ${name} for all processes, or trace from outside of the container.`,
    });
  const isNew = atLeast(version, '0.20');
  const [entry, exit] =
    attach === 'kprobe' ? ['kprobe', 'kretprobe'] : isNew ? ['fentry', 'fexit'] : ['kfunc', 'kretfunc'];
  const named = module === 'vmlinux' || (attach === 'kprobe' && !isNew) ? undefined : module;
  return sites.map((site) => ({
    probe,
    site,
    entryPoint: kernelPoint(entry ?? '', named, name),
    returnPoint: kernelPoint(exit ?? '', named, name),
    low: 0,
  }));
}

function groupFor(groups: Group[], planned: PlannedSite, options: GenerateOptions): Group {
  const { probe, low } = planned;
  const latency = probe.measures.includes('latency');
  const callers = probe.measures.includes('callers');
  const pid = options.filterPid ? probe.pid : undefined;
  const kernel = probe.subject.kind === 'kernel-function' ? probe.subject : undefined;
  const returnAddressBytes =
    kernel === undefined ? options.returnAddressBytes(probe.binary) : options.arch === 'x64' ? 8 : 0;
  // A clause that mixes kinds of points attaches only some of them (0.17).
  const key = JSON.stringify([
    probe.subject.kind,
    pid,
    latency,
    callers,
    returnAddressBytes,
    ...(kernel === undefined ? [] : [probe.id]),
  ]);
  // Low bits of two functions may be the same: the second one goes to another group.
  let group = groups.find(
    (candidate) =>
      candidate.key === key &&
      (candidate.owners.get(low) ?? probe.id) === probe.id &&
      (candidate.sites.length + 1) * KEYS_OF_A_SITE <= Math.max(options.mapKeys, KEYS_OF_A_SITE),
  );
  if (group === undefined) {
    group = { key, pid, latency, callers, returnAddressBytes, kernel, sites: [], owners: new Map() };
    groups.push(group);
  }
  group.owners.set(low, probe.id);
  return group;
}

const filterOf = ({ pid }: Group): string => (pid === undefined ? '' : ` /pid == ${Math.trunc(pid)}/`);

function clauses(group: Group, firstCode: number, options: GenerateOptions): string[] {
  if (group.kernel !== undefined) return kernelClauses(group, group.kernel, firstCode, options);
  const filter = filterOf(group);
  const points = (list: readonly (string | undefined)[]): string =>
    [...new Set(list.filter((point) => point !== undefined))].join(',\n');
  const { latency, callers, returnAddressBytes } = group;
  const stack = atLeast(options.version, '0.18') ? 'raw' : 'perf';
  // The linked register on aarch64 holds what x86 keeps on the stack.
  const caller = returnAddressBytes === 0 ? 'reg("lr")' : `*(uint${returnAddressBytes * 8}*)reg("sp")`;
  const counting = countCode({ callers, caller, stack });
  const entry = latency ? entryCode(counting, options.first) : `  if (@on) {\n${counting}  }\n`;
  const code = `  $i = (reg("ip") & ${PAGE_MASK}) + ${firstCode};\n`;
  const entryClause = `${points(group.sites.map((site) => site.entryPoint))}${filter}\n{\n${code}${entry}}`;
  if (!latency) return [entryClause];
  const back = returnCode(returnAddressBytes, bucketCode());
  // The entry's clause stands first: the types of the maps follow from it.
  return [entryClause, `${points(group.sites.map((site) => site.returnPoint))}${filter}\n{\n${back}}`];
}

function kernelClauses(
  group: Group,
  { attach }: KernelFunctionSubject,
  code: number,
  { version, first }: GenerateOptions,
): string[] {
  const { latency, callers, returnAddressBytes, sites } = group;
  const counting = kernelCountCode({ callers, stack: atLeast(version, '0.18') ? 'raw' : 'perf' });
  const begin = attach === 'fentry' ? fentryCode(counting, first) : kprobeEntryCode(counting, first);
  const end = attach === 'fentry' ? fexitCode(bucketCode()) : kretprobeCode(returnAddressBytes, bucketCode());
  const clause = (point: string | undefined, body: string): string =>
    `${point ?? ''}${filterOf(group)}\n{\n  $i = (uint64)${code};\n${body}}`;
  return sites.flatMap(({ entryPoint, returnPoint }) =>
    latency
      ? [clause(entryPoint, begin), clause(returnPoint, end)]
      : [clause(entryPoint, `  if (@on) {\n${counting}  }\n`)],
  );
}

function controlClauses(orders: Orders, hasLatency: boolean, stackMaps: readonly string[]): string[] {
  const order = (word: string, body: string): string =>
    `tracepoint:task:task_rename /args->newcomm == "${word}"/\n{\n${body}}`;
  const print = printCode({ latency: hasLatency, stacks: [], open: false });
  const printAll = printCode({ latency: hasLatency, stacks: stackMaps, open: false });
  const printLast = printCode({ latency: hasLatency, stacks: stackMaps, open: true });
  const latencyMaps = hasLatency ? ['@b', '@r', '@d', '@m', '@a', '@q', '@f', '@s', '@u', '@t'] : [];
  const maps = ['@on', '@z', '@c', ...latencyMaps, ...stackMaps];
  return [
    // Whoever reads us is alive or this write ends us (SIGPIPE): nothing outlives its owner by more than this. Each wakes the reader.
    'interval:ms:800 { printf("alive\\n"); }',
    order(orders.on, '  @on = (uint64)1;\n  printf("on %llu\\n", nsecs);\n'),
    order(orders.print, print),
    ...(stackMaps.length > 0 ? [order(orders.printStacks, printAll)] : []),
    order(orders.off, `  @on = (uint64)0;\n  @z = (uint64)1;\n${printLast}  exit();\n`),
    // Detaching is slow (80 ms a probe and more); everything was printed before, so nothing is left to print.
    `END { ${maps.map((map) => `clear(${map});`).join(' ')} }`,
  ];
}
