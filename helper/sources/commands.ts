import { compileBpftrace, compileTracefs } from '../../fields/filter/compile.ts';
import { checkFilter } from '../../fields/filter/check.ts';
import { filterFields } from '../../fields/common.ts';
import { dynamicKind, isArray, isText } from '../kernel/format.ts';
import type { EventField, EventsSpec, EventsToCopy } from '../../protocol/events.ts';
import { uprobePoint, usdtPoint } from '../engines/bpftrace/quote.ts';
import type { SourcePlan, UserPoint } from './source.ts';

/** What a command needs to know of an event. */
type RecordedEvent = Extract<SourcePlan, { engine: 'tracefs' }>;

/** A command that gives the same events in a terminal. */
export interface EquivalentCommand {
  readonly tool: string;
  readonly text: string;
}

/** Entry and return of a kernel function. */
type FunctionEvent = Extract<SourcePlan, { engine: 'kprobe' }>;

/** A probe in a program. */
type UserEvent = Extract<SourcePlan, { engine: 'uprobe' }>;
export type ScriptedEvent = RecordedEvent | FunctionEvent | UserEvent;

/** bpftrace has words for the arguments that registers hold, for those of USDT probes too, which lie anywhere. */
const KNOWN_ARGUMENTS = process.arch === 'arm64' ? 8 : 6;

/**
 * The stream as bpftrace script, perf command and shell lines; a tool that cannot say the events or the filter is left out.
 * Throws `probe-refused` for a path or a name that no script can hold.
 */
export function commandsFor(
  plans: readonly SourcePlan[],
  spec: Omit<EventsToCopy, 'sources'>,
  bpftraceMinor: number,
): EquivalentCommand[] {
  const kernel = plans.filter((plan) => plan.engine === 'tracefs');
  const traced = plans.filter((plan) => plan.engine !== 'counter');
  if (traced.length < plans.length) return [];
  return [
    bpftraceScript(traced, spec, bpftraceMinor),
    ...(kernel.length < plans.length ? [] : [perfCommand(kernel, spec), shellLines(kernel, spec)]),
  ].filter((command) => command !== undefined);
}

function bpftraceScript(
  events: readonly ScriptedEvent[],
  spec: Omit<EventsToCopy, 'sources'>,
  minor: number,
): EquivalentCommand | undefined {
  const probes: string[] = [];
  for (const event of events) {
    const conditions = conditionsOf(event, spec, minor);
    if (conditions === undefined) return undefined;
    probes.push(probesOf(event, conditions, minor, spec));
  }
  return { tool: 'bpftrace', text: `${probes.join('\n\n')}\n` };
}

/** The predicate's parts; undefined for a filter that bpftrace cannot say. */
export function conditionsOf(
  event: ScriptedEvent,
  spec: Omit<EventsToCopy, 'sources'>,
  minor: number,
): string[] | undefined {
  const { filter } = checkFilter(spec.filter ?? '', filterFields(event.fields));
  const field = (name: string) => {
    const place = event.fields.findIndex((known) => known.name === name);
    const found = event.fields[place];
    return found === undefined ? undefined : readField(event, found, minor);
  };
  const compiled = filter === undefined ? {} : compileBpftrace(filter, { minor, field });
  if (compiled.rest !== undefined) return undefined;
  return [
    ...(spec.pid === undefined ? [] : [`pid == ${spec.pid}`]),
    ...(compiled.text === undefined ? [] : [compiled.text]),
  ];
}

/** How bpftrace reads a field when the event begins; undefined for what it has no word for. */
export function readField(event: ScriptedEvent, field: EventField, minor: number): string | undefined {
  switch (event.engine) {
    case 'tracefs':
      return bpftraceField(field, minor);
    case 'kprobe':
      return kernelArgument(field, event.fields.indexOf(field));
    case 'uprobe':
      return userField(field, event.point);
  }
}

/** Where an event begins, in bpftrace's words, and its name alone. */
export function entryOf(event: ScriptedEvent): { readonly point: string; readonly name: string } {
  switch (event.engine) {
    case 'tracefs': {
      const name = event.tracepoint.slice(event.tracepoint.indexOf(':') + 1);
      return { point: `tracepoint:${event.tracepoint}`, name: name.replace(/^sys_enter_/, '') };
    }
    case 'kprobe': {
      const { entry, name } = functionPair(event);
      return { point: entry, name };
    }
    case 'uprobe': {
      const { point } = event;
      return {
        point:
          point.kind === 'usdt'
            ? usdtPoint(point.path, point.provider, point.name)
            : uprobePoint('uprobe', point.path, point.name),
        name: point.name,
      };
    }
  }
}

function probesOf(
  event: ScriptedEvent,
  conditions: readonly string[],
  minor: number,
  spec: Omit<EventsToCopy, 'sources'>,
): string {
  const stacks = stackWords(spec);
  if (event.engine === 'kprobe') return pairOfProbes(functionPair(event), conditions, minor, stacks);
  if (event.engine === 'uprobe') {
    const pair = spec.durations === true ? userPair(event) : undefined;
    return pair === undefined
      ? userProbe(event, conditions, minor, stacks)
      : pairOfProbes(pair, conditions, minor, stacks);
  }
  if (event.exit !== undefined)
    return pairOfProbes(syscallPair(event, event.exit, minor), conditions, minor, stacks);
  return `tracepoint:${event.tracepoint}${predicate(conditions)}\n{\n${printed(event, minor, stacks)}\n}`;
}

/** A probe in a program, with all arguments that bpftrace has a word for; the others are named in a comment. */
function userProbe(
  event: UserEvent,
  conditions: readonly string[],
  minor: number,
  stacks: readonly string[],
): string {
  const { point, fields } = event;
  const attach = entryOf(event).point;
  const shown: Shown[] = [
    ['%s', 'comm'],
    // the attach point was made first, which refuses names with quotes, blanks or %
    [` %d ${point.name}`, 'pid'],
    ...fields.flatMap((field): Shown[] => {
      const read = userField(field, point);
      return read === undefined ? [] : [[` ${field.name}=${formatOf(field)}`, read]];
    }),
    ...stacks.map((stack): Shown => ['%s', stack]),
  ];
  const unread = fields.filter((field) => userField(field, point) === undefined).map(({ name }) => name);
  const lines = [
    ...(unread.length === 0 ? [] : [`// bpftrace cannot read ${unread.join(', ')}`]),
    ...printfs(shown, minor),
  ];
  return `${attach}${predicate(conditions)}\n{\n${lines.map((line) => `  ${line}`).join('\n')}\n}`;
}

/** How bpftrace reads a field of a probe in a program: `argN` with its width and sign, a text as the text at that address. */
function userField(field: EventField, point: UserPoint): string | undefined {
  const place = placeOf(field, point);
  if (place === undefined || place >= KNOWN_ARGUMENTS) return undefined;
  return field.column === 'text' ? `str(arg${place})` : argument(field, place);
}

/** A USDT probe's fields are named after the places of its arguments, a function's after its parameters. */
function placeOf({ name }: EventField, point: UserPoint): number | undefined {
  if (point.kind === 'function') return point.places?.get(name);
  const digits = /^(?:arg|text)(\d+)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Entry and return of a function of a program; undefined for points, which have no return. */
function userPair({ point, fields }: UserEvent): Pair | undefined {
  if (point.kind !== 'function') return undefined;
  const { path, name } = point;
  return {
    entry: uprobePoint('uprobe', path, name),
    exit: uprobePoint('uretprobe', path, name),
    name,
    args: fields.flatMap((field) => {
      const place = placeOf(field, point);
      if (place === undefined || place >= KNOWN_ARGUMENTS) return [];
      const isText = field.column === 'text';
      return [{ name: field.name, read: isText ? `arg${place}` : argument(field, place), isText }];
    }),
    result: '(int64)retval',
  };
}

/** Of all integers: `%x` and `%u` alone are 32 bits wide. */
function formatOf({ column, display, signed }: EventField): string {
  if (column === 'text') return '%s';
  if (display.as === 'hex') return '0x%lx';
  return signed ? '%ld' : '%lu';
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

/** Arguments in registers. */
function functionPair({ symbol, fields }: FunctionEvent): Pair {
  const name = symbol.slice(symbol.indexOf(':') + 1);
  return {
    entry: `kprobe:${name}`,
    exit: `kretprobe:${name}`,
    name,
    args: fields
      .slice(0, KNOWN_ARGUMENTS)
      .map((field, place) => ({ name: field.name, read: kernelArgument(field, place), isText: false })),
    result: '(int64)retval',
  };
}

/** A kernel function's argument, read as 32 or 64 bits, as it is recorded. */
function kernelArgument(field: EventField, place: number): string {
  return argument({ signed: field.signed, sizeBytes: field.sizeBytes >= 8 ? 8 : 4 }, place);
}

/**
 * An argument with its type's width and sign: bpftrace gives 64 bits of whatever was there, which 0.17 compares as unsigned and 0.27 as
 * signed.
 */
function argument({ sizeBytes, signed }: Pick<EventField, 'sizeBytes' | 'signed'>, place: number): string {
  return `(${signed ? '' : 'u'}int${8 * sizeBytes})arg${place}`;
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
