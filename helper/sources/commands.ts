import { compileBpftrace, compileTracefs } from '../../fields/filter/compile.ts';
import { checkFilter } from '../../fields/filter/check.ts';
import { filterFields } from '../../fields/common.ts';
import { dynamicKind, isArray, isText } from '../kernel/format.ts';
import type { EventField, EventsSpec } from '../../protocol/events.ts';
import type { SourcePlan } from './source.ts';

/** What a command needs to know of an event. */
type RecordedEvent = Extract<SourcePlan, { engine: 'tracefs' }>;

/** A command that gives the same events in a terminal. */
export interface EquivalentCommand {
  readonly tool: string;
  readonly text: string;
}

/** The stream as bpftrace script, perf command and shell lines; a tool that cannot say the filter is left out. */
export function commandsFor(
  plans: readonly SourcePlan[],
  spec: Pick<EventsSpec, 'filter' | 'pid'>,
  bpftraceMinor: number,
): EquivalentCommand[] {
  const kernel = plans.filter((plan) => plan.engine === 'tracefs');
  if (kernel.length < plans.length) return [];
  return [
    bpftraceScript(kernel, spec, bpftraceMinor),
    perfCommand(kernel, spec),
    shellLines(kernel, spec),
  ].filter((command) => command !== undefined);
}

function bpftraceScript(
  events: readonly RecordedEvent[],
  spec: Pick<EventsSpec, 'filter' | 'pid'>,
  minor: number,
): EquivalentCommand | undefined {
  const probes: string[] = [];
  for (const event of events) {
    const { filter } = checkFilter(spec.filter ?? '', filterFields(event.fields));
    const spell = (name: string) =>
      bpftraceField(
        event.fields.find((field) => field.name === name),
        minor,
      );
    const compiled = filter === undefined ? {} : compileBpftrace(filter, { minor, field: spell });
    if (compiled.rest !== undefined) return undefined;
    const conditions = [
      ...(spec.pid === undefined ? [] : [`pid == ${spec.pid}`]),
      ...(compiled.text === undefined ? [] : [compiled.text]),
    ];
    if (event.exit !== undefined) probes.push(syscallProbes(event, conditions, minor));
    else
      probes.push(`tracepoint:${event.tracepoint}${predicate(conditions)}\n{\n  ${printf(event, minor)}\n}`);
  }
  return { tool: 'bpftrace', text: `${probes.join('\n\n')}\n` };
}

function predicate(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `\n/${conditions.join(' && ')}/`;
}

/** Entry and return in one line each call. Texts are read at the return: only then is their memory sure to be present. */
function syscallProbes(event: RecordedEvent, conditions: readonly string[], minor: number): string {
  const args = event.fields.filter((field) => field.name !== 'ret' && field.name !== 'duration');
  const needsReturn = conditions.some((condition) => /@\w+_|\bret\b/.test(condition));
  const early = needsReturn ? [] : conditions;
  const keep = args.map((field) => `  @${field.name}_[tid] = args${arrow(minor)}${field.name};`);
  const format = [
    ...args.map((field) => `${field.name}=${isUserText(field) ? '%s' : '%d'}`),
    'ret=%d',
    'duration=%d ns',
  ];
  const values = args.map((field) =>
    isUserText(field) ? `str(@${field.name}_[tid])` : `@${field.name}_[tid]`,
  );
  const name = event.tracepoint.replace(/^syscalls:sys_enter_/, '');
  return [
    `tracepoint:${event.tracepoint}${predicate(early)}`,
    '{',
    '  @begun[tid] = nsecs;',
    ...keep,
    '}',
    '',
    `tracepoint:${event.exit ?? ''}`,
    '/@begun[tid]/',
    '{',
    `  printf("%s %d ${name} ${format.join(' ')}\\n", comm, pid, ${[...values, `args${arrow(minor)}ret`, 'nsecs - @begun[tid]'].join(', ')});`,
    ...['begun', ...args.map((field) => `${field.name}_`)].map((map) => `  delete(@${map}[tid]);`),
    '}',
  ].join('\n');
}

function isUserText(field: EventField): boolean {
  return /^(?:const )?char \*$/.test(field.type);
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

/** bpftrace takes at most seven arguments of printf up to 0.19 and more from there; two are taken by comm and pid. */
const MAX_FIELDS = 5;

function printf(event: RecordedEvent, minor: number): string {
  const shown = event.fields.flatMap((field) => {
    const spelt = bpftraceField(field, minor);
    return spelt === undefined ? [] : [{ field, spelt }];
  });
  const some = shown.slice(0, minor >= 20 ? 20 : MAX_FIELDS);
  const format = some.map(
    ({ field }) => `${field.name}=${field.column === 'text' || isUserText(field) ? '%s' : '%d'}`,
  );
  const name = event.tracepoint.slice(event.tracepoint.indexOf(':') + 1);
  return `printf("%s %d ${[name, ...format].join(' ')}\\n", ${['comm', 'pid', ...some.map(({ spelt }) => spelt)].join(', ')});`;
}

/** A word for POSIX shells. */
function quote(text: string): string {
  return /^[\w:./,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function perfCommand(
  events: readonly RecordedEvent[],
  spec: Pick<EventsSpec, 'filter' | 'pid'>,
): EquivalentCommand | undefined {
  const words = ['perf', 'trace'];
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
  spec: Pick<EventsSpec, 'filter' | 'pid'>,
): EquivalentCommand | undefined {
  const lines = ['cd /sys/kernel/tracing && mkdir instances/mine && cd instances/mine'];
  if (spec.pid !== undefined) lines.push(`ls /proc/${spec.pid}/task > set_event_pid`);
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
