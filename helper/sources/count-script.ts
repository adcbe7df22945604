import { ProbeError } from '../../protocol/errors.ts';
import type { EventsToCopy } from '../../protocol/events.ts';
import { conditionsOf, entryOf, readField, type ScriptedEvent } from './commands.ts';
import type { SourcePlan } from './source.ts';

/** What every event can be counted by, in bpftrace's words too. */
const common = ['comm', 'pid', 'tid', 'cpu'];

/**
 * A script that counts events in the kernel by a field, a map an event, printed each second: nothing travels for each event. Throws
 * `invalid-argument` for a field that an event has not or that is not known when it begins, `probe-refused` for what no script can say.
 */
export function countScript(
  plans: readonly SourcePlan[],
  spec: Omit<EventsToCopy, 'sources'>,
  by: string,
  bpftraceMinor: number,
): string {
  const maps = new Set<string>();
  const probes = plans.map((plan) => {
    if (plan.engine === 'counter')
      throw new ProbeError({
        code: 'probe-refused',
        message: `${plan.event} is a counter: it is counted by perf stat.`,
        remedy: `Run: probescope stat --events ${plan.event}`,
      });
    const { point, name } = entryOf(plan);
    const conditions = conditionsOf(plan, spec, bpftraceMinor);
    if (conditions === undefined || conditions.some((condition) => /\bret\b|@\w/.test(condition)))
      throw new ProbeError({
        code: 'probe-refused',
        message: `The filter “${spec.filter}” cannot be checked by bpftrace when ${name} begins, which is when it is counted.`,
        remedy: 'Filter by what the event carries at its beginning.',
      });
    const map = freshName(maps, name);
    const key = keyOf(plan, name, by, bpftraceMinor);
    const predicate = conditions.length === 0 ? '' : `\n/${conditions.join(' && ')}/`;
    return `${point}${predicate}\n{\n  @${map}[${key}] = count();\n}`;
  });
  const prints = [...maps].map((map) => `print(@${map});`).join(' ');
  return `${[...probes, `interval:s:1 { ${prints} }`].join('\n\n')}\n`;
}

function keyOf(event: ScriptedEvent, name: string, by: string, minor: number): string {
  if (common.includes(by)) return by;
  const field = event.fields.find((known) => known.name === by);
  const read =
    field === undefined || by === 'ret' || by === 'duration' ? undefined : readField(event, field, minor);
  if (read !== undefined) return read;
  const offered = event.fields
    .filter((known) => known.name !== 'ret' && known.name !== 'duration')
    .filter((known) => readField(event, known, minor) !== undefined)
    .map((known) => known.name);
  throw new ProbeError({
    code: 'invalid-argument',
    message:
      field === undefined
        ? `${name} has no field ${by} to count by.`
        : `${name} cannot be counted by ${by} when it begins.`,
    remedy: `Count by ${[...common, ...offered].join(', ')}.`,
  });
}

/** A map's name for an event's, once each. */
function freshName(names: Set<string>, wanted: string): string {
  const clean = wanted.replace(/\W/g, '_').replace(/^(?=\d)/, '_');
  let name = clean;
  for (let number = 2; names.has(name); number++) name = `${clean}_${number}`;
  names.add(name);
  return name;
}
