import { openSync, readdirSync, constants as fsConstants } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Compare, type CompiledFilter, compileTracefs } from '../../../fields/filter/compile.ts';
import { filterFields } from '../../../fields/common.ts';
import { checkFilter } from '../../../fields/filter/check.ts';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { EventsSpec, StackKind } from '../../../protocol/events.ts';
import type { TracefsSupervisor } from '../../engines/tracefs/supervisor.ts';
import type { StreamEvent } from './rows.ts';
import { enableStacks } from './stacks.ts';

/** One tracepoint of a stream, or a pair of them, ready to be enabled in an instance. */
export interface RecordedEvent extends StreamEvent {
  /** `subsystem:name` in tracefs. */
  readonly tracepoint: string;
  readonly exit?: string;
}

export interface InstanceOptions {
  readonly spec: EventsSpec;
  /** Defines dynamic events in the supervisor's group and gives what is to be recorded. */
  readonly prepare: (supervisor: TracefsSupervisor) => Promise<readonly RecordedEvent[]>;
  readonly tracefsRoot: string;
  readonly budgetPerSecond: number;
}

/** How long events are counted before the first row, to know their rate. */
export const PREFLIGHT_MS = 300;
export function stackKinds({
  kernelStack,
  userStack,
}: Pick<EventsSpec, 'kernelStack' | 'userStack'>): StackKind[] {
  return [
    ...(userStack === true ? (['user'] as const) : []),
    ...(kernelStack === true ? (['kernel'] as const) : []),
  ];
}

/** Each stack is a record of its own behind the event's; the buffer overwrites and counts them alike. */
export function recordsAnEvent(spec: EventsSpec): number {
  return 1 + stackKinds(spec).length;
}

/** What records now. */
export interface Recording {
  readonly supervisor: TracefsSupervisor;
  readonly events: readonly RecordedEvent[];
  readonly filters: readonly CompiledFilter[];
  readonly descriptors: number[];
  readonly startNs: bigint;
  readonly startedAtMs: number;
  readonly rate: { readonly perSecond: number; readonly measuredMs: number };
}

/**
 * Puts events, their filters and the process into the supervisor's instance and starts it. Every file that it opens is in `descriptors` at
 * once. Throws as `EventStream.start`.
 */
export async function startRecording(
  options: InstanceOptions,
  supervisor: TracefsSupervisor,
  descriptors: number[],
): Promise<Recording> {
  const { spec } = options;
  await supervisor.set('tracing_on', '0');
  const events = await options.prepare(supervisor);
  const filters = events.map((event) => compileFor(event, spec.filter ?? ''));
  await enableStacks(supervisor, stackKinds(spec));
  await optionally(supervisor.set('set_event_notrace_pid', ownThreads()));
  if (spec.pid !== undefined) await followProcess(supervisor, spec.pid);
  for (const [index, event] of events.entries()) {
    const filter = filters[index]?.text;
    if (filter !== undefined) await setFilter(supervisor, event.tracepoint, filter);
  }
  const base = `${options.tracefsRoot}/instances/${supervisor.group}/per_cpu`;
  for (let cpu = 0; cpu < supervisor.cpus; cpu++)
    descriptors.push(
      openSync(`${base}/cpu${cpu}/trace_pipe_raw`, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK),
    );
  for (const event of events)
    for (const tracepoint of [event.exit, event.tracepoint])
      if (tracepoint !== undefined)
        await supervisor.set(`events/${tracepoint.replace(':', '/')}/enable`, '1');
  const startedAtMs = Date.now();
  const startNs = process.hrtime.bigint();
  await supervisor.set('tracing_on', '1');
  const rate = await measure(supervisor, startNs, recordsAnEvent(spec));
  if (rate.perSecond > options.budgetPerSecond && spec.mode.kind === 'each' && spec.acceptRate !== true)
    throw new ProbeError(
      overBudget(rate.perSecond, options.budgetPerSecond, 'The rate is', stackKinds(spec).length > 0),
    );
  return { supervisor, events, filters, descriptors, startNs, startedAtMs, rate };
}

/** Counts what goes into the ring buffer, filtered, without reading any of it. */
async function measure(
  supervisor: TracefsSupervisor,
  startNs: bigint,
  recordsEach: number,
): Promise<{ perSecond: number; measuredMs: number }> {
  await delay(PREFLIGHT_MS);
  let total = 0;
  for (let cpu = 0; cpu < supervisor.cpus; cpu++) {
    const { entries, lost } = parseStats(await supervisor.get(`per_cpu/cpu${cpu}/stats`));
    total += entries + lost;
  }
  const measuredMs = Number(process.hrtime.bigint() - startNs) / 1e6;
  return { perSecond: (total * 1000) / recordsEach / measuredMs, measuredMs };
}

/** `per_cpu/cpuN/stats` (trace/ftrace.rst): records waiting, and those overwritten or refused. */
export function parseStats(text: string): { entries: number; lost: number } {
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    entries: value('entries'),
    lost: value('overrun') + value('commit overrun') + value('dropped events'),
  };
}

export function overBudget(perSecond: number, budget: number, what: string, withStacks = false): Problem {
  const thousands = (value: number) => Math.round(value).toLocaleString('en-US');
  return {
    code: 'budget-exceeded',
    message: `${what} ${thousands(perSecond)} events/s, and above ${thousands(budget)} events ${withStacks ? 'with their stacks, each of which costs several times as much as the event, ' : ''}are not traced one by one without your choice.`,
    remedy: `${withStacks ? 'Trace without stacks, filter' : 'Filter'} further, count in the kernel, take 1 in N, stop after N rows, or accept the rate.`,
  };
}

/** Fields narrower than the register they are recorded in, and those of the return, are for the helper to check. */
function compileFor(event: RecordedEvent, source: string): CompiledFilter {
  const { filter, problems } = checkFilter(source, filterFields(event.fields));
  const [problem] = problems;
  if (problem !== undefined)
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${event.source}: ${problem.message}`,
      ...(problem.suggestion === undefined ? {} : { remedy: `Write ${problem.suggestion} there.` }),
    });
  if (filter === undefined) return {};
  return compileTracefs(filter, (compare) => isRecorded(event, compare));
}

function isRecorded(event: RecordedEvent, { field, operator, value }: Compare): boolean {
  if (field.common === true || event.exit === undefined) return true;
  if (field.name === 'ret' || field.name === 'duration') return false;
  const plain = operator === '==' || operator === '!=' || operator === '&';
  return field.sizeBytes === 8 || (plain && typeof value === 'bigint' && value >= 0n);
}

async function setFilter(supervisor: TracefsSupervisor, tracepoint: string, filter: string): Promise<void> {
  try {
    await supervisor.set(`events/${tracepoint.replace(':', '/')}/filter`, filter);
  } catch (cause) {
    throw new ProbeError(
      {
        code: 'engine-refused',
        message: `The kernel refused the filter “${filter}” for ${tracepoint}.`,
        remedy: 'Simplify the filter; the kernel takes at most about 4,000 characters of it.',
      },
      { cause },
    );
  }
}

/** All threads of a process, and those they start from now on (option event-fork, kernel ≥ 4.7). */
async function followProcess(supervisor: TracefsSupervisor, pid: number): Promise<void> {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch (cause) {
    throw new ProbeError({ code: 'process-gone', message: `There is no process ${pid}.` }, { cause });
  }
  await optionally(supervisor.set('options/event-fork', '1'));
  await supervisor.set('set_event_pid', threads.join(' '));
}

/** Reading the buffer makes system calls: a trace of those must not feed on itself (kernel ≥ 5.7). */
function ownThreads(): string {
  return readdirSync('/proc/self/task').join(' ');
}

async function optionally(change: Promise<unknown>): Promise<void> {
  await change.catch(() => undefined);
}
