import type { Span } from '../diagnostic.ts';
import type { Identifier } from '../syntax/ast.ts';
import { builtinByName, type BuiltinWord } from '../tables/builtins.ts';
import { exists, type Lifetime } from '../tables/entry.ts';
import { functionByName } from '../tables/functions.ts';
import { stackModeByName } from '../tables/words.ts';
import type { ProbeTypeName, ProgramType } from '../tables/probes.ts';
import { formatVersion } from '../version.ts';
import { returnType } from './arguments.ts';
import { typeOf } from './expressions.ts';
import { cMacroType } from './c-macros.ts';
import { expandMacro } from './macro-calls.ts';
import { nearest, replace } from './report.ts';
import type { State } from './state.ts';
import { boolean, opaque, pointer, string, uint32, uint64, integer, unknown, type Type } from './types.ts';

const mostPassed = 20_000;

/** A bare word: a macro's parameter, a constant, a builtin, a macro, a stack mode. */
export function identifierType(state: State, expression: Identifier): Type {
  const { name } = expression;
  const passed = state.frame?.expressions.get(name);
  if (passed !== undefined) {
    // Parameters that are used twice double the work with each level of macros
    if (++state.expansions > mostPassed) return unknown;
    const frame = state.frame;
    state.frame = frame?.caller;
    const type = typeOf(state, passed);
    state.frame = frame;
    return type;
  }
  const text = state.c.macros.get(name);
  if (text === name && !state.c.constants.has(name) && state.c.constant(name) === undefined) {
    state.report.error(expression, 'unknown-identifier', `The macro \`${name}\` stands for itself only.`);
    return unknown;
  }
  if (text !== undefined && text !== name) return cMacroType(state, expression);
  const known = state.c.constant(name);
  if (known !== undefined) return { kind: 'integer', bits: 64, signed: false, enumName: known.enumName };
  if (state.macros.has(name) && state.version >= 24) return expandMacro(state, name, [], expression);
  const builtin = builtinByName.get(name);
  if (builtin !== undefined && exists(builtin, state.version)) return builtinType(state, builtin, expression);
  // Before 0.24 these are constants of an enum of the kernel
  if (name === 'true' || name === 'false')
    return { kind: 'integer', bits: 64, signed: false, enumName: 'bool' };
  const mode = stackModeByName.get(name);
  if (mode !== undefined && exists(mode, state.version)) return opaque('stack_mode');
  unknownName(state, expression, builtin);
  return unknown;
}

/** Words that are values of their own, and have no inner name that begins with `__builtin_`. */
const isNoInnerName = (name: string): boolean =>
  /^__builtin_(pid|tid|nsecs|kstack|ustack|ctx|args|arg\d|numaid|jiffies|ppid|pcomm)$/.test(name);

/** Known to everybody, but as macros of headers: no kernel describes them in its BTF. */
const neverInTypes: ReadonlySet<string> = new Set(
  'NULL AF_UNIX AF_INET AF_INET6 AF_NETLINK O_RDONLY O_WRONLY O_RDWR O_CREAT PAGE_SIZE EINTR EAGAIN ENOENT EPERM'.split(
    ' ',
  ),
);

function unknownName(
  state: State,
  expression: Identifier,
  other: (Lifetime & { readonly name: string }) | undefined,
): void {
  const { name } = expression;
  if (other !== undefined) {
    notNow(state, expression, `\`${name}\``, other);
    return;
  }
  // Constants of the kernel and of headers are written in capitals
  if (neverInTypes.has(name) && !state.c.includes) {
    state.report.error(
      expression,
      'unknown-identifier',
      `\`${name}\` is a macro of C headers that the script does not include.`,
      {
        hint:
          name === 'NULL' ? 'Write `0`.' : `Include its header, or write its value: \`#define ${name} …\`.`,
      },
    );
    return;
  }
  if (state.version < 24 ? name.startsWith('__builtin_') : isNoInnerName(name)) {
    state.report.error(expression, 'unknown-identifier', `Nothing is called \`${name}\`.`);
    return;
  }
  // Kernels describe their enum constants in BTF
  if (
    (/^_*[A-Z][A-Z0-9_]*$/.test(name) && name !== 'BEGIN' && name !== 'END') ||
    state.c.includes ||
    name.startsWith('__builtin_')
  )
    return;
  const words = [...builtinByName.values()]
    .filter((word) => exists(word, state.version))
    .map((word) => word.name);
  const similar = nearest(name, [...words, ...state.c.constants.keys(), ...state.macros.keys()]);
  const isFunction = functionByName.has(name);
  state.report.error(
    expression,
    'unknown-identifier',
    isFunction ? `\`${name}\` is a function.` : `Nothing is called \`${name}\`.`,
    {
      hint: isFunction
        ? `Call it: \`${name}(…)\`.`
        : similar === undefined
          ? `Variables begin with \`$\`, maps with \`@\`, texts stand in quotes.`
          : `Did you mean \`${similar}\`?`,
      ...(similar === undefined || isFunction
        ? {}
        : { fixes: [replace(expression, similar, `Change to \`${similar}\``)] }),
    },
  );
}

/** Reports a word that the script's release does not have yet, or no longer. */
export function notNow(state: State, span: Span, what: string, entry: Lifetime): void {
  const now = formatVersion(state.version);
  if (entry.since !== undefined && state.version < entry.since)
    state.report.error(
      span,
      'not-in-version',
      `${what} exists since ${formatVersion(entry.since)}; the script is checked for ${now}.`,
      {
        hint: 'Set another release for this file by a comment: `// probescope: bpftrace>=…`.',
      },
    );
  else
    state.report.error(
      span,
      'removed-in-version',
      `${what} was removed in ${formatVersion(entry.removed ?? 0)}; the script is checked for ${now}.`,
      {
        ...(entry.instead === undefined ? {} : { hint: `Use \`${entry.instead}\`.` }),
      },
    );
}

/** Says that a word still works but should not be used. */
export function warnDeprecated(state: State, span: Span, what: string, entry: Lifetime): void {
  if (entry.deprecated === undefined || state.version < entry.deprecated) return;
  state.report.warning(
    span,
    'deprecated',
    `${what} is deprecated since ${formatVersion(entry.deprecated)}.`,
    {
      tags: ['deprecated'],
      ...(entry.instead === undefined ? {} : { hint: `Use \`${entry.instead}\`.` }),
    },
  );
}

const quoted = (types: readonly string[]): string => types.map((type) => `\`${type}\``).join(', ');

export function builtinType(state: State, builtin: BuiltinWord, span: Span): Type {
  warnDeprecated(state, span, `\`${builtin.name}\``, builtin);
  checkBuiltinPlace(state, builtin, span);
  switch (builtin.type) {
    case 'uint8':
      return integer(8, false);
    case 'uint32':
      return uint32;
    case 'pid':
      return state.version >= 22 ? uint32 : uint64;
    case 'uint64':
    case 'address':
      return uint64;
    case 'bool':
      return boolean;
    case 'comm':
      return string(16);
    case 'string':
      return string(state.version >= 24 ? 64 : 16);
    case 'kstack':
      return { kind: 'stack', user: false, mode: 'bpftrace', limit: 127 };
    case 'ustack':
      return { kind: 'stack', user: true, mode: 'bpftrace', limit: 127 };
    case 'probe':
      return state.version >= 25 ? string(64) : opaque('probe');
    case 'username':
      return opaque('username');
    case 'task':
      return pointer({ kind: 'struct', name: 'struct task_struct' });
    case 'func':
      return opaque(
        state.probe?.types.at(-1) === 'uprobe' || state.probe?.types.at(-1) === 'uretprobe' ? 'usym' : 'ksym',
      );
    case 'special':
      return specialType(state, builtin.name, span);
  }
}

function checkBuiltinPlace(state: State, builtin: BuiltinWord, span: Span): void {
  const needsProbe =
    builtin.probes !== undefined || ['ctx', 'args', 'probe', 'probetype'].includes(builtin.name);
  if (state.probe === undefined) {
    if (needsProbe && state.subprogram !== undefined)
      state.report.error(
        span,
        'wrong-probe-type',
        `\`${builtin.name}\` exists in probes only, not in functions.`,
        { hint: 'Pass it as an argument.' },
      );
    return;
  }
  if (state.loops.includes('for') && needsContext(builtin))
    state.report.error(
      span,
      'loop-only',
      `\`${builtin.name}\` cannot be used inside \`for\`: the loop's body does not get the probe's context.`,
      {
        hint: `Copy it to a variable before the loop.`,
      },
    );
  if (builtin.name === 'cpid' && state.version < 25)
    state.report.error(
      span,
      'wrong-probe-type',
      '`cpid` exists only when bpftrace starts a program by `-c`.',
      { hint: 'The script is checked as it runs without `-c`.' },
    );
  if (
    /^arg\d$/.test(builtin.name) &&
    Number(builtin.name.slice(3)) > 5 &&
    !state.probe.types.includes('usdt') &&
    (state.catalog?.target.arch ?? 'x86_64') === 'x86_64' &&
    !state.probe.types.includes('rawtracepoint')
  )
    state.report.error(
      span,
      'wrong-probe-type',
      `x86_64 has no \`${builtin.name}\`: six arguments come in registers, \`arg0\` … \`arg5\`.`,
      {
        hint: `Further ones lie on the stack: \`*(uint64 *)(reg("sp") + 8)\` is the next one at the function's entry.`,
      },
    );
  if (builtin.probes === undefined) return;
  for (const type of state.probe.types)
    if (!allows(state, builtin, type)) reportPlace(state, builtin, type, span);
}

function needsContext(builtin: BuiltinWord): boolean {
  return /^arg\d$/.test(builtin.name) || ['ctx', 'args', 'retval'].includes(builtin.name);
}

function allows(state: State, builtin: BuiltinWord, type: ProbeTypeName): boolean {
  if (builtin.name === 'func') {
    if (type === 'fentry' || type === 'fexit') return state.version >= 19;
    return builtin.probes?.includes(type) === true;
  }
  if (type === 'rawtracepoint') return /^arg\d$/.test(builtin.name);
  return builtin.probes?.includes(type) === true;
}

function reportPlace(state: State, builtin: BuiltinWord, type: ProbeTypeName, span: Span): void {
  const hints: Readonly<Record<string, string>> = {
    retval:
      type === 'tracepoint'
        ? 'Tracepoints of system calls have `args.ret`.'
        : 'Functions return in `kretprobe`, `uretprobe` and `fexit`.',
    arg:
      type === 'tracepoint'
        ? 'Fields of tracepoints are in `args`.'
        : 'At a return the arguments are gone; store them at the entry.',
  };
  const hint = hints[builtin.name.startsWith('arg') ? 'arg' : builtin.name];
  const names = builtin.probes ?? [];
  state.report.error(
    span,
    'wrong-probe-type',
    `\`${builtin.name}\` does not exist in ${type} probes; it does in ${quoted(names)}.`,
    hint === undefined ? {} : { hint },
  );
}

function specialType(state: State, name: string, span: Span): Type {
  if (name === 'retval') {
    const types = state.probe?.types ?? [];
    if (state.version < 24 && new Set(types).size > 1)
      state.report.error(span, 'wrong-probe-type', '`retval` has a different type in each of these probes.', {
        hint: 'Split the probe by type.',
      });
    const isTyped = types.some((type) => type === 'fentry' || type === 'fexit');
    return isTyped ? (returnType(state) ?? unknown) : uint64;
  }
  return name === 'args' ? argsType(state, span) : contextType(state, span);
}

function argsType(state: State, span: Span): Type {
  const types = state.probe?.types ?? [];
  const [type] = types;
  if (type === undefined) return unknown;
  const allowed: ProbeTypeName[] = [
    'tracepoint',
    'fentry',
    'fexit',
    'uprobe',
    ...(state.version >= 24 ? (['rawtracepoint'] as const) : []),
  ];
  const isMixed = new Set(types).size > 1;
  if ((isMixed && state.version < 25) || types.some((other) => !allowed.includes(other))) {
    state.report.error(
      span,
      'wrong-probe-type',
      isMixed ? '`args` differs between these probe types.' : `\`args\` does not exist in ${type} probes.`,
      {
        hint: isMixed
          ? 'Split the probe by type.'
          : `It does in ${quoted(allowed)}. Other probes have \`arg0\`, \`arg1\`, …`,
      },
    );
    return unknown;
  }
  if (type === 'uprobe') return unknown;
  const struct = {
    kind: 'struct',
    name: `the arguments of this ${type}`,
    args: type === 'tracepoint' ? 'tracepoint' : 'function',
  } as const;
  return state.version >= 19 ? struct : pointer(struct, true);
}

function contextType(state: State, span: Span): Type {
  const programs = new Set<ProgramType>(state.probe?.words.map((word) => word.program));
  const [program] = programs;
  if (program === undefined) return unknown;
  if (programs.size > 1 && state.version < 25) {
    state.report.error(span, 'wrong-probe-type', '`ctx` differs between these probe types.', {
      hint: 'Split the probe by type.',
    });
    return unknown;
  }
  switch (program) {
    case 'kprobe':
      return pointer({ kind: 'struct', name: 'struct pt_regs' }, true);
    case 'perf-event':
      return pointer({ kind: 'struct', name: 'struct bpf_perf_event_data' }, true);
    case 'tracepoint':
      state.report.error(span, 'wrong-probe-type', 'Tracepoints have no `ctx`.', {
        hint: 'Their fields are in `args`.',
      });
      return unknown;
    case 'tracing': {
      const iterator =
        state.probe?.types.includes('iter') === true
          ? state.probe.node.attachPoints[0]?.parts[0]?.text
          : undefined;
      if (iterator !== undefined)
        return pointer({ kind: 'struct', name: `struct bpf_iter__${iterator}` }, true);
      break;
    }
    case 'raw':
    case 'raw-tracepoint':
      break;
  }
  state.report.error(
    span,
    'wrong-probe-type',
    `\`ctx\` does not exist in ${state.probe?.types[0] ?? 'these'} probes.`,
  );
  return unknown;
}
