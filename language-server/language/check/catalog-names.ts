import type { AttachPart, AttachPoint } from '../syntax/ast.ts';
import type { ProbeWord } from '../tables/probes.ts';
import { wildcardPattern } from './attach-points.ts';
import { nearest, replace, type CheckCode } from './report.ts';
import type { State } from './state.ts';

/** Whether the target has what the attach point names. Without a catalog nothing is known and nothing is said. */
export function checkKernelNames(state: State, point: AttachPoint, word: ProbeWord): void {
  if (state.catalog === undefined || point.text.includes('$')) return;
  switch (word.type) {
    case 'tracepoint':
      checkTracepoint(state, point);
      return;
    case 'rawtracepoint':
      checkRawTracepoint(state, point);
      return;
    case 'kprobe':
    case 'kretprobe':
    case 'fentry':
    case 'fexit':
      checkFunction(state, point, word);
      return;
    case 'usdt':
    case 'uprobe':
    case 'uretprobe':
      checkBinary(state, point, word);
      return;
    default:
  }
}

const keysOf = (table: object): string[] => Object.keys(table);

function some(table: object, pattern: string): boolean {
  if (!pattern.includes('*')) return Object.hasOwn(table, pattern);
  return matchesAny(keysOf(table), pattern);
}

function matchesAny(names: Iterable<string>, pattern: string): boolean {
  const expression = wildcardPattern(pattern);
  for (const name of names) if (expression.test(name)) return true;
  return false;
}

function missing(
  state: State,
  part: AttachPart,
  code: CheckCode,
  message: string,
  candidates: Iterable<string>,
  severity: 'error' | 'warning',
): void {
  const similar = part.wildcard ? undefined : nearest(part.text, candidates);
  const on = state.catalog?.target.hostname;
  state.report[severity](part, code, message, {
    hint:
      similar !== undefined
        ? `Did you mean \`${similar}\`?`
        : `The catalog${on === undefined ? '' : ` of ${on}`} does not have it.`,
    ...(similar === undefined ? {} : { fixes: [replace(part, similar, `Change to \`${similar}\``)] }),
  });
}

function checkTracepoint(state: State, point: AttachPoint): void {
  const tracepoints = state.catalog?.tracepoints ?? {};
  const [category, event] = point.parts;
  if (category === undefined || event === undefined || category.text === '' || event.text === '') return;
  if (!some(tracepoints, category.text)) {
    missing(
      state,
      category,
      'unknown-tracepoint',
      `There are no tracepoints of the category \`${category.text}\`.`,
      keysOf(tracepoints),
      'error',
    );
    return;
  }
  const pattern = wildcardPattern(category.text);
  const groups = category.wildcard
    ? Object.entries(tracepoints).filter(([name]) => pattern.test(name))
    : [[category.text, tracepoints[category.text] ?? {}] as const];
  if (!groups.some(([, events]) => some(events, event.text)))
    missing(
      state,
      event,
      'unknown-tracepoint',
      `There is no tracepoint \`${category.text}:${event.text}\`.`,
      groups.flatMap(([, events]) => keysOf(events)),
      'error',
    );
}

function checkRawTracepoint(state: State, point: AttachPoint): void {
  const event = point.parts.at(-1);
  if (event === undefined || event.text === '') return;
  const groups = Object.values(state.catalog?.tracepoints ?? {});
  if (!groups.some((events) => some(events, event.text)))
    missing(
      state,
      event,
      'unknown-tracepoint',
      `There is no tracepoint event \`${event.text}\`.`,
      groups.flatMap(keysOf),
      state.version >= 24 ? 'error' : 'warning',
    );
}

function checkFunction(state: State, point: AttachPoint, word: ProbeWord): void {
  const last = point.parts.at(-1);
  const functions = state.catalog?.functions;
  if (functions === undefined || last === undefined || last.text === '' || point.parts.length > 2) return;
  const name = last.text.split('+')[0] ?? '';
  const module = point.parts.length === 2 ? point.parts[0] : undefined;
  const modules = state.catalog?.modules;
  const isInModules =
    modules !== undefined &&
    Object.entries(modules).some(
      ([owner, names]) =>
        (module === undefined || wildcardPattern(module.text).test(owner)) &&
        (name.includes('*')
          ? names.some((other) => wildcardPattern(name).test(other))
          : names.includes(name)),
    );
  // A kernel that lists no functions at all has told us nothing
  if (isInModules || functions.names.size === 0) return;
  if (name.includes('*') ? matchesAny(functions.names, name) : functions.has(name)) return;
  const isTyped = word.type === 'fentry' || word.type === 'fexit';
  missing(
    state,
    last,
    'unknown-kernel-function',
    `The kernel has no function \`${name}\` that can be traced.`,
    last.text === name ? functions.names : [],
    state.version >= 24 || isTyped ? 'error' : 'warning',
  );
}

function checkBinary(state: State, point: AttachPoint, word: ProbeWord): void {
  const [path] = point.parts;
  const last = point.parts.at(-1);
  const binaries = state.catalog?.binaries;
  if (path === undefined || last === undefined || last === path || binaries === undefined) return;
  const binary = Object.hasOwn(binaries, path.text) ? binaries[path.text] : undefined;
  if (binary === undefined || last.text === '' || path.text.includes('@')) return;
  if (word.type === 'usdt') {
    const provider = point.parts.length === 3 ? point.parts[1]?.text : undefined;
    const pattern = wildcardPattern(
      `${provider === undefined || provider === '' ? '*' : provider}:${last.text}`,
    );
    if (!binary.usdt.some((name) => pattern.test(name)))
      missing(
        state,
        last,
        'unknown-usdt',
        `${path.text} has no USDT probe \`${last.text}\`.`,
        binary.usdt.map((name) => name.slice(name.indexOf(':') + 1)),
        state.version >= 24 ? 'error' : 'warning',
      );
    return;
  }
  const name = last.text.split('+')[0] ?? '';
  if (point.parts.length === 3 || /^(0x)?[0-9a-f]+$/i.test(name)) return;
  const pattern = wildcardPattern(name);
  if (!binary.functions.some((other) => other === name || (name.includes('*') && pattern.test(other))))
    missing(
      state,
      last,
      'unknown-program-function',
      `${path.text} has no function \`${name}\`.`,
      last.text === name ? binary.functions : [],
      state.version >= 24 ? 'error' : 'warning',
    );
}
