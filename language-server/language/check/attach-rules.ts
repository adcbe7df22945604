import type { Span } from '../diagnostic.ts';
import type { AttachPart, AttachPoint } from '../syntax/ast.ts';
import { readNumber } from '../syntax/numbers.ts';
import {
  hardwareEvents,
  softwareEvents,
  timeUnits,
  type PerfEvent,
  type ProbeTypeName,
  type ProbeWord,
} from '../tables/probes.ts';
import type { Version } from '../version.ts';
import { nearest, replace } from './report.ts';
import type { State } from './state.ts';

interface Context {
  readonly state: State;
  readonly version: Version;
  readonly point: AttachPoint;
  readonly word: ProbeWord;
  readonly parts: readonly AttachPart[];
}

type Rule = (context: Context) => void;

const maxSigned = 0x7fff_ffff_ffff_ffffn;

/** How an attach point of each type is written. Parts with `$1` inside are only known when the script runs. */
export function checkAttachPointRules(state: State, point: AttachPoint, word: ProbeWord): void {
  if (!point.text.includes('$'))
    rules[word.type]({ state, version: state.version, point, word, parts: point.parts });
}

const nothing: Rule = () => undefined;

const rules: Readonly<Record<ProbeTypeName, Rule>> = {
  begin: nothing,
  end: nothing,
  self,
  test: nothing,
  bench: nothing,
  kprobe,
  kretprobe: kprobe,
  uprobe,
  uretprobe: uprobe,
  usdt,
  tracepoint,
  rawtracepoint,
  profile: timer,
  interval: timer,
  software: (context) => perfEvent(context, softwareEvents),
  hardware: (context) => perfEvent(context, hardwareEvents),
  watchpoint,
  asyncwatchpoint: watchpoint,
  fentry: traced,
  fexit: traced,
  iter: iterator,
};

const hasParts = ({ parts }: Context, least: number, most: number): boolean =>
  parts.length >= least && parts.length <= most;

function refuse({ state }: Context, span: Span, message: string, hint?: string): void {
  state.report.error(span, 'attach-point-value', message, hint === undefined ? {} : { hint });
}

function self(context: Context): void {
  const { parts, point } = context;
  if (!hasParts(context, 2, 2)) return;
  if (parts[0]?.text !== 'signal')
    refuse(context, parts[0] ?? point, '`self` knows signals only: `self:signal:SIGUSR1`.');
  else if (parts[1]?.text !== 'SIGUSR1')
    refuse(context, parts[1] ?? point, `bpftrace has a probe for SIGUSR1 only, not ${parts[1]?.text ?? ''}.`);
}

/** `function+offset`: the function's name; undefined when reported. */
function functionWithOffset(context: Context, part: AttachPart, what: string): string | undefined {
  const pieces = part.text.split('+');
  if (pieces.length === 1) return part.text;
  if (context.word.type === 'kretprobe' || context.word.type === 'uretprobe') {
    refuse(context, part, `\`${context.word.name}\` fires at the return; it takes no offset.`);
    return undefined;
  }
  if (pieces.length > 2) {
    refuse(context, part, `${what} takes one offset at most.`);
    return undefined;
  }
  const offset = pieces[1] ?? '';
  if (pieces[0] === '' || readNumber(offset, context.version).value === undefined) {
    refuse(context, part, `\`${offset}\` is no offset in bytes.`, 'Write `function+8` or `function+0x8`.');
    return undefined;
  }
  return pieces[0];
}

function kprobe(context: Context): void {
  const { parts, point, version } = context;
  if (!hasParts(context, 1, version >= 20 ? 2 : 1)) return;
  const last = parts.at(-1);
  if (last === undefined) return;
  if (version >= 25 && !context.state.unsafe && /^(0x[\da-f]+|\d+)$/i.test(last.text))
    refuse(
      context,
      last,
      'A probe at an address needs `--unsafe`.',
      'Name the function: `kprobe:FUNCTION+OFFSET`.',
    );
  const name = functionWithOffset(context, last, 'A kprobe');
  if (name === '')
    refuse(context, last.end > last.start ? last : point, 'The name of a kernel function is missing.');
}

function uprobe(context: Context): void {
  const { parts, point, version } = context;
  const isSourcePlace = version >= 26 && parts[0]?.text.includes('@') === true;
  if (!hasParts(context, 2, isSourcePlace || version >= 19 ? 3 : 2)) return;
  if (parts[0]?.text === '') {
    refuse(context, point, 'The path of a program or library is missing.');
    return;
  }
  if (isSourcePlace) {
    for (const part of parts.slice(1))
      if (!/^\d+$/.test(part.text)) {
        refuse(context, part, `\`${part.text}\` is no number of a line or column.`);
        return;
      }
    return;
  }
  const [middle] = parts.length === 3 ? [parts[1]] : [];
  if (middle !== undefined && middle.text !== 'cpp') {
    refuse(
      context,
      middle,
      `\`${middle.text}\` is no language that bpftrace can demangle.`,
      'It knows `cpp`.',
    );
    return;
  }
  const last = parts.at(-1);
  if (last === undefined) return;
  const name = functionWithOffset(context, last, 'A uprobe');
  if (name === undefined) return;
  if (name === '') {
    refuse(context, last.end > last.start ? last : point, 'The name of a function is missing.');
    return;
  }
  const address = readNumber(last.text, version).value;
  if (address === undefined) return;
  if (parts[0]?.wildcard === true && context.word.type === 'uprobe')
    refuse(context, last, 'An address needs one program; a pattern may stand for several.');
  else if (address === 0n && context.word.type === 'uprobe')
    refuse(context, last, 'The address 0 has no code.');
}

function usdt(context: Context): void {
  const { parts, point } = context;
  if (!hasParts(context, 2, 3)) return;
  if (parts.at(-1)?.text === '') refuse(context, point, 'The name of the probe is missing.');
  else if (parts[0]?.text === '')
    refuse(context, point, 'The path of a program or library is missing.', 'Or run bpftrace with `-p PID`.');
}

function tracepoint(context: Context): void {
  const { parts, point } = context;
  if (parts.length === 1 && parts[0]?.wildcard === true) return;
  if (!hasParts(context, 2, 2)) return;
  const empty = parts.find((part) => part.text === '');
  if (empty !== undefined) refuse(context, point, 'Category and event of a tracepoint are both needed.');
}

function rawtracepoint(context: Context): void {
  const { parts, point, version } = context;
  if (!hasParts(context, 1, version >= 24 ? 2 : 1)) return;
  if (parts.at(-1)?.text === '') refuse(context, point, 'The name of the event is missing.');
}

function timer(context: Context): void {
  const { parts, point, version, word } = context;
  if (version >= 24 && parts.length === 1) {
    duration(context, parts[0] ?? point);
    return;
  }
  if (!hasParts(context, 2, 2)) return;
  const [unit, rate] = parts;
  if (unit === undefined || rate === undefined) return;
  if (!timeUnits.includes(unit.text))
    refuse(
      context,
      unit.end > unit.start ? unit : point,
      unit.text === '' ? 'The unit is missing.' : `\`${unit.text}\` is no unit of time.`,
      'Units are `s`, `ms`, `us`, and `hz` for times a second.',
    );
  const { value } = readNumber(rate.text, version);
  const place = rate.end > rate.start ? rate : point;
  if (value === undefined) refuse(context, place, `\`${rate.text}\` is no whole number.`);
  else if (value <= 0n && (word.type === 'profile' || version >= 20))
    refuse(context, place, `The rate of \`${word.name}\` has to be above 0.`);
  else if (value > maxSigned && version >= 20)
    refuse(context, place, `The rate of \`${word.name}\` has to fit into an int64.`);
}

/** `interval:10ms`: at least a microsecond. */
function duration(context: Context, part: Span & { readonly text: string }): void {
  const { value } = readNumber(part.text, context.version);
  if (value === undefined)
    refuse(
      context,
      part,
      `\`${part.text}\` is no duration.`,
      'Write `interval:1s`, `interval:10ms` or `interval:s:1`.',
    );
  else if (value < 1000n)
    refuse(
      context,
      part,
      `\`${part.text}\` is shorter than a microsecond.`,
      'A number without unit means nanoseconds.',
    );
}

function perfEvent(context: Context, events: readonly PerfEvent[]): void {
  const { parts, point, state, word } = context;
  if (!hasParts(context, 1, 2)) return;
  const [event, count] = parts;
  if (event === undefined) return;
  if (event.text === '') refuse(context, point, `The name of a ${word.name} event is missing.`);
  else if (event.wildcard) refuse(context, event, `\`${word.name}\` takes no patterns.`);
  else if (!events.some(({ name, alias }) => name === event.text || alias === event.text)) {
    const names = events.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
    const similar = nearest(event.text, names);
    state.report.error(event, 'attach-point-value', `There is no ${word.type} event \`${event.text}\`.`, {
      hint: similar === undefined ? `Events are ${names.join(', ')}.` : `Did you mean \`${similar}\`?`,
      ...(similar === undefined ? {} : { fixes: [replace(event, similar, `Change to \`${similar}\``)] }),
    });
  }
  if (count === undefined || count.text === '*') return;
  const { value } = readNumber(count.text, state.version);
  const place = count.end > count.start ? count : point;
  if (value === undefined) refuse(context, place, `\`${count.text}\` is no whole number of events.`);
  else if (value < 0n && state.version >= 20)
    refuse(context, place, 'The number of events has to be above 0.');
}

function watchpoint(context: Context): void {
  const { parts } = context;
  if (!hasParts(context, 3, 3)) return;
  const [place, length, mode] = parts;
  if (place === undefined || length === undefined || mode === undefined) return;
  watchedPlace(context, place);
  const bytes = readNumber(length.text, context.version).value;
  if (bytes === undefined || ![1n, 2n, 4n, 8n].includes(bytes))
    refuse(context, length, 'A watchpoint covers 1, 2, 4 or 8 bytes.');
  const letters = [...mode.text];
  const sorted = letters.sort().join('');
  if (sorted === '' || !/^[rwx]+$/.test(sorted) || new Set(letters).size !== letters.length)
    refuse(
      context,
      mode.end > mode.start ? mode : context.point,
      'The mode is made of `r`, `w` and `x`, each once.',
    );
  else if (['r', 'rx', 'wx', 'rwx'].includes(sorted))
    refuse(context, mode, `x86 cannot watch \`${mode.text}\`.`, 'Use `w`, `rw` or `x`.');
}

function watchedPlace(context: Context, place: AttachPart): void {
  const { version, word } = context;
  const pieces = place.text.split('+');
  if (pieces.length === 1 || version >= 25) {
    const address = readNumber(place.text, version).value;
    if (address === undefined) refuse(context, place, `\`${place.text}\` is no address.`);
    else if (word.type === 'asyncwatchpoint')
      refuse(context, place, '`asyncwatchpoint` watches an argument of a function: `function+arg0`.');
    else if (address === 0n) refuse(context, place, 'The address 0 cannot be watched.');
    return;
  }
  const argument = /^arg(\d+)$/.exec(pieces[1] ?? '');
  if (pieces.length > 2 || argument === null)
    refuse(context, place, `\`${place.text}\` is neither an address nor \`function+argN\`.`);
  else if (Number(argument[1]) > 5) refuse(context, place, 'Only arg0 … arg5 are in registers.');
  else refuse(context, place, 'To watch an argument, bpftrace has to run with `-p PID` or `-c COMMAND`.');
}

function traced(context: Context): void {
  const { parts, point, version } = context;
  if (!hasParts(context, 1, version >= 24 ? 3 : 2)) return;
  const last = parts.at(-1);
  if (last?.text === '') refuse(context, point, 'The name of a kernel function is missing.');
}

function iterator(context: Context): void {
  const { parts, point } = context;
  if (!hasParts(context, 1, 2)) return;
  const [object] = parts;
  if (object === undefined) return;
  if (object.text === '') refuse(context, point, 'The name of the iterator is missing.');
  else if (object.wildcard) refuse(context, object, '`iter` takes no patterns.');
}
