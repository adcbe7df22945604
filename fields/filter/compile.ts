import { quoteForKernel } from './text.ts';
import type { CheckedFilter } from './check.ts';

/** A filter in an engine's words, and what that engine cannot say. */
export interface CompiledFilter {
  /** The engine's filter; absent when it has nothing to check. It lets through at least all events that the filter does. */
  readonly text?: string;
  /** The conditions left for the helper; the whole is `text` and `rest`. */
  readonly rest?: CheckedFilter;
}

export type Compare = Extract<CheckedFilter, { kind: 'compare' }>;
/** An engine's spelling of one condition, or undefined when it has none. */
type Spell = (compare: Compare) => string | undefined;

/** Conditions joined by && are given to the engine one by one; what it cannot say remains. */
function compile(filter: CheckedFilter, spell: Spell): CompiledFilter {
  const texts: string[] = [];
  let rest: CheckedFilter | undefined;
  for (const condition of conjuncts(filter)) {
    const text = spellNode(condition, spell);
    if (text !== undefined) texts.push(text);
    else rest = rest === undefined ? condition : { kind: 'and', left: rest, right: condition };
  }
  return {
    ...(texts.length === 0 ? {} : { text: texts.join(' && ') }),
    ...(rest === undefined ? {} : { rest }),
  };
}

function conjuncts(filter: CheckedFilter): CheckedFilter[] {
  return filter.kind === 'and' ? [...conjuncts(filter.left), ...conjuncts(filter.right)] : [filter];
}

function spellNode(filter: CheckedFilter, spell: Spell): string | undefined {
  switch (filter.kind) {
    case 'compare':
      return spell(filter);
    case 'not': {
      const operand = spellNode(filter.operand, spell);
      return operand === undefined ? undefined : `!(${operand})`;
    }
    default: {
      const left = spellNode(filter.left, spell);
      const right = spellNode(filter.right, spell);
      if (left === undefined || right === undefined) return undefined;
      return `(${left} ${filter.kind === 'and' ? '&&' : '||'} ${right})`;
    }
  }
}

/** MAX_FILTER_STR_VAL of kernel/trace/trace.h, less the terminating zero. */
const TRACEFS_TEXT_BYTES = 255;

/**
 * The filter for tracefs (`events/…/filter`) and `perf trace --filter`, which take the same language (kernel
 * documentation: trace/events.rst, section 5). Not expressible there: byte arrays, and the process id (`pid`), of
 * which the kernel's records know only the thread. `recorded` may refuse further conditions, e.g. on fields that the
 * record does not hold.
 */
export function compileTracefs(
  filter: CheckedFilter,
  recorded: (compare: Compare) => boolean = () => true,
): CompiledFilter {
  return compile(filter, (compare) => {
    const { field, operator, value } = compare;
    if (!recorded(compare)) return undefined;
    const name = field.common === true ? TRACEFS_COMMON[field.name] : field.name;
    if (name === undefined) return undefined;
    if (typeof value === 'bigint') return `${name} ${operator} ${value}`;
    if (!isKernelText(field.type) && field.common !== true) return undefined;
    const quoted = quoteForKernel(value, TRACEFS_TEXT_BYTES);
    return quoted === undefined ? undefined : `${name} ${operator} ${quoted}`;
  });
}

const TRACEFS_COMMON: Readonly<Record<string, string>> = { tid: 'common_pid', cpu: 'CPU', comm: 'COMM' };

/** `char` arrays and pointers to char are what the kernel compares as texts. */
function isKernelText(type: string): boolean {
  return /^(?:(?:__data_loc|__rel_loc) )?(?:const )?(?:unsigned )?char ?(?:\[|\*)/.test(type);
}

export interface BpftraceDialect {
  /** Minor version: 17 for 0.17.0. */
  readonly minor: number;
  /** How a field is read: `args->bytes`, `str(args.filename)`. */
  readonly field: (name: string) => string | undefined;
}

/**
 * The filter as a bpftrace predicate without the slashes. bpftrace compares texts with == and != only; a trailing `*`
 * becomes strncmp up to 0.25 (0.26 and 0.27 reject it).
 */
export function compileBpftrace(filter: CheckedFilter, dialect: BpftraceDialect): CompiledFilter {
  return compile(filter, ({ field, operator, value }) => {
    const name = field.common === true ? field.name : dialect.field(field.name);
    if (name === undefined) return undefined;
    if (typeof value === 'bigint')
      return operator === '&' ? `(${name} & ${value}) != 0` : `${name} ${operator} ${literal(value)}`;
    // A value with a quote, a backslash or a control character is never pasted into a script.
    if (/["\\\p{Cc}]/u.test(value) || !isBpftraceText(field.type, field.common)) return undefined;
    if (operator === '==' || operator === '!=') return `${name} ${operator} "${value}"`;
    const prefix = /^([^*?]+)\*$/.exec(value)?.[1];
    if (prefix === undefined || dialect.minor > 25) return undefined;
    const bytes = new TextEncoder().encode(prefix).length;
    return `strncmp(${name}, "${prefix}", ${bytes}) ${operator === '~' ? '==' : '!='} 0`;
  });
}

function isBpftraceText(type: string, common: boolean | undefined): boolean {
  return common === true || isKernelText(type);
}

/** Integer literals above 2^63 are written in hexadecimal, which every version reads. */
function literal(value: bigint): string {
  return value > 0x7fffffffffffffffn ? `0x${value.toString(16)}` : String(value);
}
