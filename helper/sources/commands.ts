import { compileBpftrace, compileTracefs } from '../../fields/filter/compile.ts';
import { checkFilter } from '../../fields/filter/check.ts';
import { filterFields } from '../../fields/common.ts';
import { dynamicKind, isArray, isText } from '../kernel/format.ts';
import type { EventField, EventsSpec, EventsToCopy } from '../../protocol/events.ts';
import type { SourcePlan } from './source.ts';

/** What a command needs to know of an event. */
type RecordedEvent = Extract<SourcePlan, { engine: 'tracefs' }>;

/** A command that gives the same events in a terminal. */
export interface EquivalentCommand {
  readonly tool: string;
  readonly text: string;
}

/** Entry and return of a kernel function. */
type FunctionEvent = Extract<SourcePlan, { engine: 'kprobe' }>;

/** The stream as bpftrace script, perf command and shell lines; a tool that cannot say the events or the filter is left out. */
export function commandsFor(
  plans: readonly SourcePlan[],
  spec: Omit<EventsToCopy, 'sources'>,
  bpftraceMinor: number,
): EquivalentCommand[] {
  const kernel = plans.filter((plan) => plan.engine === 'tracefs');
  const traced = plans.filter((plan) => plan.engine === 'tracefs' || plan.engine === 'kprobe');
  if (traced.length < plans.length) return [];
  return [
    bpftraceScript(traced, spec, bpftraceMinor),
    ...(kernel.length < plans.length ? [] : [perfCommand(kernel, spec), shellLines(kernel, spec)]),
  ].filter((command) => command !== undefined);
}

function bpftraceScript(
  events: readonly (RecordedEvent | FunctionEvent)[],
  spec: Omit<EventsToCopy, 'sources'>,
  minor: number,
): EquivalentCommand | undefined {
  const probes: string[] = [];
  for (const event of events) {
    const { filter } = checkFilter(spec.filter ?? '', filterFields(event.fields));
    const spell = (name: string) => {
      const place = event.fields.findIndex((known) => known.name === name);
      const field = event.fields[place];
      if (event.engine === 'tracefs') return bpftraceField(field, minor);
      return field === undefined ? undefined : argument(field, place);
    };
    const compiled = filter === undefined ? {} : compileBpftrace(filter, { minor, field: spell });
    if (compiled.rest !== undefined) return undefined;
    const conditions = [
      ...(spec.pid === undefined ? [] : [`pid == ${spec.pid}`]),
      ...(compiled.text === undefined ? [] : [compiled.text]),
    ];
    const stacks = stackWords(spec);
    if (event.engine === 'kprobe') probes.push(pairOfProbes(functionPair(event), conditions, minor, stacks));
    else if (event.exit !== undefined)
      probes.push(pairOfProbes(syscallPair(event, event.exit, minor), conditions, minor, stacks));
    else
      probes.push(
        `tracepoint:${event.tracepoint}${predicate(conditions)}\n{\n${printed(event, minor, stacks)}\n}`,
      );
  }
  return { tool: 'bpftrace', text: `${probes.join('\n\n')}\n` };
}

function predicate(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `\n/${conditions.join(' && ')}/`;
}

/** Two probes whose hits are one call. */
interface Pair {
  readonly entry: string;
  readonly exit: string;
  readonly name: string;
  readonly args: readonly { readonly name: string; readonly read: string; readonly isText: boolean }[];
  readonly result: string;
}

function syscallPair(event: RecordedEvent, exit: string, minor: number): Pair {
  const args = event.fields.filter((field) => field.name !== 'ret' && field.name !== 'duration');
  return {
    entry: `tracepoint:${event.tracepoint}`,
    exit: `tracepoint:${exit}`,
    name: event.tracepoint.replace(/^syscalls:sys_enter_/, ''),
    args: args.map((field) => ({
      name: field.name,
      read: `args${arrow(minor)}${field.name}`,
      isText: isUserText(field),
    })),
    result: `args${arrow(minor)}ret`,
  };
}

/** Arguments in registers; bpftrace knows ten of them at most. */
function functionPair({ symbol, fields }: FunctionEvent): Pair {
  const name = symbol.slice(symbol.indexOf(':') + 1);
  return {
    entry: `kprobe:${name}`,
    exit: `kretprobe:${name}`,
    name,
    args: fields
      .slice(0, 6)
      .map((field, place) => ({ name: field.name, read: argument(field, place), isText: false })),
    result: '(int64)retval',
  };
}

/** A kernel function's argument with its type's width and sign, for the register holds 64 bits of whatever was in it. */
function argument({ sizeBytes, signed }: EventField, place: number): string {
  if (sizeBytes >= 8) return signed ? `(int64)arg${place}` : `arg${place}`;
  return `(${signed ? 'int32' : 'uint32'})arg${place}`;
}

/** Entry and return in one line each call. Texts are read at the return: only then is their memory sure to be present. */
function pairOfProbes(
  { entry, exit, name, args, result }: Pair,
  conditions: readonly string[],
  minor: number,
  stacks: readonly string[],
): string {
  const needsReturn = conditions.some((condition) => /@\w+_|\bret\b/.test(condition));
  const early = needsReturn ? [] : conditions;
  const kept = [...args, ...stacks.map((stack) => ({ name: stack, read: stack }))];
  const shown: Shown[] = [
    ['%s', 'comm'],
    [` %d ${name}`, 'pid'],
    ...args.map((arg): Shown =>
      arg.isText ? [` ${arg.name}=%s`, `str(@${arg.name}_[tid])`] : [` ${arg.name}=%d`, `@${arg.name}_[tid]`],
    ),
    [' ret=%d', result],
    [' duration=%d ns', 'nsecs - @begun[tid]'],
    ...stacks.map((stack): Shown => ['%s', `@${stack}_[tid]`]),
  ];
  return [
    `${entry}${predicate(early)}`,
    '{',
    '  @begun[tid] = nsecs;',
    ...kept.map((value) => `  @${value.name}_[tid] = ${value.read};`),
    '}',
    '',
    exit,
    '/@begun[tid]/',
    '{',
    ...printfs(shown, minor).map((line) => `  ${line}`),
    ...['begun', ...kept.map((value) => `${value.name}_`)].map((map) => `  delete(@${map}[tid]);`),
    '}',
  ].join('\n');
}

function isUserText(field: EventField): boolean {
  return /^(?:const )?char \*$/.test(field.type);
}

/** bpftrace's words for the stacks that are wanted. */
function stackWords({ userStack, kernelStack }: Pick<EventsSpec, 'userStack' | 'kernelStack'>): string[] {
  return [...(userStack === true ? ['ustack'] : []), ...(kernelStack === true ? ['kstack'] : [])];
}

const arrow = (minor: number) => (minor >= 19 ? '.' : '->');

/** How bpftrace reads a field of a tracepoint as number or text; undefined for what it has no simple word for. */
function bpftraceField(field: EventField | undefined, minor: number): string | undefined {
  if (field === undefined || field.name === 'duration') return undefined;
  const plain = `args${arrow(minor)}${field.name}`;
  if (isUserText(field)) return `str(${plain})`;
  if (dynamicKind(field.type) !== undefined) return isText(field.type) ? `str(${plain})` : undefined;
  return isArray(field.type) && !isText(field.type) ? undefined : plain;
}

/** A part of a format, and the value that it shows. */
type Shown = readonly [format: string, value: string];

/** Arguments of one printf: bpftrace takes seven up to 0.19, and more from there. */
const maxArguments = (minor: number) => (minor >= 20 ? 20 : 7);

/** One line of output, in as many calls of printf as this bpftrace needs. */
function printfs(shown: readonly Shown[], minor: number): string[] {
  const most = maxArguments(minor);
  const calls: string[] = [];
  for (let from = 0; from < shown.length; from += most) {
    const some = shown.slice(from, from + most);
    const end = from + most >= shown.length ? '\\n' : '';
    calls.push(
      `printf("${some.map(([format]) => format).join('')}${end}", ${some.map(([, value]) => value).join(', ')});`,
    );
  }
  return calls;
}

/** Comm, pid and the first fields of a tracepoint, in one line; the stacks follow in lines of their own. */
function printed(event: RecordedEvent, minor: number, stacks: readonly string[]): string {
  const name = event.tracepoint.slice(event.tracepoint.indexOf(':') + 1);
  const fields = event.fields.flatMap((field): Shown[] => {
    const spelt = bpftraceField(field, minor);
    const format = field.column === 'text' || isUserText(field) ? '%s' : '%d';
    return spelt === undefined ? [] : [[` ${field.name}=${format}`, spelt]];
  });
  const shown: Shown[] = [
    ['%s', 'comm'],
    [` %d ${name}`, 'pid'],
    ...fields.slice(0, maxArguments(minor) - 2),
    ...stacks.map((stack): Shown => ['%s', stack]),
  ];
  return printfs(shown, minor)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** A word for POSIX shells. */
function quote(text: string): string {
  return /^[\w:./,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function perfCommand(
  events: readonly RecordedEvent[],
  spec: Omit<EventsToCopy, 'sources'>,
): EquivalentCommand | undefined {
  const words = ['perf', 'trace'];
  // perf walks both stacks or none.
  if (stackWords(spec).length > 0) words.push('--call-graph', 'fp');
  for (const event of events) {
    const { filter } = checkFilter(spec.filter ?? '', filterFields(event.fields));
    const compiled =
      filter === undefined
        ? {}
        : compileTracefs(
            filter,
            ({ field }) => event.exit === undefined || !/^(?:ret|duration)$/.test(field.name),
          );
    if (compiled.rest !== undefined) return undefined;
    const name =
      event.exit === undefined ? event.tracepoint : event.tracepoint.replace(/^syscalls:sys_enter_/, '');
    // For a system call `-e NAME` prints entry and return together, and takes no --filter.
    if (event.exit !== undefined && compiled.text !== undefined) return undefined;
    words.push('-e', quote(name), ...(compiled.text === undefined ? [] : ['--filter', quote(compiled.text)]));
  }
  words.push(...(spec.pid === undefined ? ['-a'] : ['-p', String(spec.pid)]));
  return { tool: 'perf', text: words.join(' ') };
}

/** tracefs by hand: an own instance, and what removes it again. */
function shellLines(
  events: readonly RecordedEvent[],
  spec: Omit<EventsToCopy, 'sources'>,
): EquivalentCommand | undefined {
  const lines = ['cd /sys/kernel/tracing && mkdir instances/mine && cd instances/mine'];
  if (spec.pid !== undefined) lines.push(`ls /proc/${spec.pid}/task > set_event_pid`);
  if (spec.userStack === true) lines.push('echo 1 > options/userstacktrace', 'echo 1 > options/sym-userobj');
  if (spec.kernelStack === true) lines.push('echo 1 > options/stacktrace');
  for (const event of events) {
    const { filter } = checkFilter(spec.filter ?? '', filterFields(event.fields));
    const compiled =
      filter === undefined
        ? {}
        : compileTracefs(
            filter,
            ({ field }) => event.exit === undefined || !/^(?:ret|duration)$/.test(field.name),
          );
    if (compiled.rest !== undefined) return undefined;
    for (const tracepoint of [event.tracepoint, event.exit]) {
      if (tracepoint === undefined) continue;
      const folder = `events/${tracepoint.replace(':', '/')}`;
      if (compiled.text !== undefined && tracepoint === event.tracepoint)
        lines.push(`echo ${quote(compiled.text)} > ${folder}/filter`);
      lines.push(`echo 1 > ${folder}/enable`);
    }
  }
  lines.push('cat trace_pipe', '# afterwards: cd ../.. && rmdir instances/mine');
  return { tool: 'shell', text: `${lines.join('\n')}\n` };
}
