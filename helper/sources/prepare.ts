import { readFileSync } from 'node:fs';
import { ProbeError } from '../../protocol/errors.ts';
import type { EventField, FieldDisplay, SourceId } from '../../protocol/events.ts';
import { formatDefinition, isSpellable, type UprobeDefinition } from '../engines/tracefs/definition.ts';
import type { TracefsSupervisor } from '../engines/tracefs/supervisor.ts';
import { parseFormat } from '../kernel/format.ts';
import { durationField, type SourcePlan } from './source.ts';
import type { RecordedEvent } from './tracefs/instance.ts';

type Returns = NonNullable<Extract<SourcePlan, { engine: 'uprobe' }>['returns']>;

/** Kernel functions take their first arguments in registers; the others lie on the stack and are not recorded. */
const REGISTER_ARGUMENTS = process.arch === 'arm64' ? 8 : 6;

/**
 * Makes a plan's events exist in the supervisor's group where the kernel does not have them yet, and tells where each field
 * lies in the records. Throws what the kernel refuses, in its own words.
 */
export async function prepareEvent(
  supervisor: TracefsSupervisor,
  tracefsRoot: string,
  source: SourceId,
  plan: SourcePlan,
  index: number,
  durations = false,
): Promise<RecordedEvent> {
  const idOf = (tracepoint: string) =>
    parseFormat(readFileSync(`${tracefsRoot}/events/${tracepoint.replace(':', '/')}/format`, 'utf8'));
  switch (plan.engine) {
    case 'tracefs': {
      const event = {
        source,
        tracepoint: plan.tracepoint,
        id: idOf(plan.tracepoint).id,
        fields: plan.fields,
      };
      return plan.exit === undefined ? event : { ...event, exit: plan.exit, exitId: idOf(plan.exit).id };
    }
    case 'uprobe': {
      const event = `e${index}`;
      for (const definition of plan.definitions(supervisor.group, event))
        await defineUprobe(supervisor, definition);
      const tracepoint = `${supervisor.group}:${event}`;
      const format = idOf(tracepoint);
      const recorded = { source, tracepoint, id: format.id, fields: placed(plan.fields, format.fields) };
      return durations && plan.returns !== undefined
        ? withReturn(supervisor, recorded, plan.returns, index, idOf)
        : recorded;
    }
    case 'kprobe':
      return defineKprobe(supervisor, source, plan, index, idOf);
    case 'counter':
      throw new ProbeError({
        code: 'probe-refused',
        message: `${source} is a counter and has no single events.`,
        remedy: `Count it: probescope stat --events ${plan.event}`,
      });
  }
}

async function defineUprobe(supervisor: TracefsSupervisor, definition: UprobeDefinition): Promise<void> {
  const open = !isSpellable(definition.path);
  if (open) await supervisor.openFile(definition.path);
  try {
    await supervisor.define(formatDefinition(definition));
  } finally {
    if (open) await supervisor.closeFile();
  }
}

type FormatOf = (tracepoint: string) => ReturnType<typeof parseFormat>;

/** Pairs a function's entry with its return, by thread and the order of the calls. */
async function withReturn(
  supervisor: TracefsSupervisor,
  entry: RecordedEvent,
  { definition, refusal, result }: Returns,
  index: number,
  formatOf: FormatOf,
): Promise<RecordedEvent> {
  if (refusal !== undefined) throw new ProbeError(refusal);
  const event = `r${index}`;
  await defineUprobe(supervisor, definition(supervisor.group, event));
  const exit = `${supervisor.group}:${event}`;
  const format = formatOf(exit);
  const [ret, duration] = returnFields(format, result ?? { as: 'hex' });
  return {
    ...entry,
    exit,
    exitId: format.id,
    fields: [...entry.fields, ...(result === undefined ? [] : [ret]), duration],
  };
}

/** What a return adds to its call: the result at its place in the record, and the time between. */
function returnFields(
  { fields }: ReturnType<FormatOf>,
  display: FieldDisplay,
): readonly [EventField, EventField] {
  const ret = fields.find((field) => field.name === 'ret');
  return [
    {
      name: 'ret',
      type: 's64',
      sizeBytes: 8,
      signed: true,
      column: 'i64',
      display,
      meaning: 'result as the register holds it',
      ...(ret === undefined ? {} : { offsetBytes: ret.offsetBytes }),
    },
    durationField,
  ];
}

/**
 * Entry with arguments and return with the result, paired by thread like a system call: through ftrace, as fentry and fexit are
 * (trace/fprobetrace.rst, kernel ≥ 6.5), and where the kernel has that not or refuses it for the function, as kprobe and kretprobe.
 */
async function defineKprobe(
  supervisor: TracefsSupervisor,
  source: SourceId,
  plan: Extract<SourcePlan, { engine: 'kprobe' }>,
  index: number,
  idOf: FormatOf,
): Promise<RecordedEvent> {
  const { group } = supervisor;
  const args = plan.fields
    .slice(0, REGISTER_ARGUMENTS)
    .map(
      (field, place) =>
        `${field.name}=$arg${place + 1}:${field.signed ? 's' : 'u'}${field.sizeBytes >= 8 ? 64 : 32}`,
    );
  const result = 'ret=$retval:s64';
  try {
    await supervisor.defineKernel([`f:${group}/k${index}`, plan.symbol, ...args].join(' '));
    await supervisor.defineKernel(`f:${group}/r${index} ${plan.symbol}%return ${result}`);
  } catch {
    // What was defined of the two is removed first: a name cannot be defined twice.
    await supervisor.defineKernel(`-:${group}/k${index}`).catch(() => undefined);
    await supervisor.defineKernel([`p:${group}/k${index}`, plan.symbol, ...args].join(' '));
    await supervisor.defineKernel(`r:${group}/r${index} ${plan.symbol} ${result}`);
  }
  const enter = idOf(`${group}:k${index}`);
  const exit = idOf(`${group}:r${index}`);
  return {
    source,
    tracepoint: `${group}:k${index}`,
    exit: `${group}:r${index}`,
    id: enter.id,
    exitId: exit.id,
    fields: [
      ...placed(plan.fields.slice(0, REGISTER_ARGUMENTS), enter.fields),
      ...returnFields(exit, { as: 'errno' }),
    ],
  };
}

/** Our fields at the places that the kernel gave them. */
function placed(
  fields: readonly EventField[],
  recorded: readonly { name: string; type: string; offsetBytes: number; sizeBytes: number }[],
): EventField[] {
  return fields.flatMap((field) => {
    const found = recorded.find((known) => known.name === field.name);
    return found === undefined
      ? []
      : [{ ...field, offsetBytes: found.offsetBytes, sizeBytes: found.sizeBytes }];
  });
}
