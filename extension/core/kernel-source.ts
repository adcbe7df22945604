/**
 * Event sources in the kernel's own source: `TRACE_EVENT(name, …)` and its kin below `include/trace/events`, and
 * `SYSCALL_DEFINEn(name, …)`, and definitions of functions.
 */
const TRACE_MACRO =
  /\b(?:TRACE_EVENT|TRACE_EVENT_CONDITION|TRACE_EVENT_FN|TRACE_EVENT_FN_COND|DEFINE_EVENT|DEFINE_EVENT_CONDITION|DEFINE_EVENT_FN|DEFINE_EVENT_PRINT)\s*\(\s*/g;
const SYSCALL_MACRO = /\b(?:COMPAT_)?SYSCALL_DEFINE\d\s*\(\s*(\w+)/g;

/** A definition as the kernel's coding style has it: its type at the line's beginning, its brace on a line of its own. */
const FUNCTION =
  /^(?!(?:else|return|typedef)\b)[a-z_][\w \t*]*?[ \t*](\w+)\((?:[^;{}()]|\([^;{}()]*\))*\)\n\{/gm;

export interface SourceMention {
  readonly id: string;
  /** UTF-16 offset of the macro. */
  readonly offset: number;
}

/** Everything that a file of the kernel's source declares, in order. */
export function mentionsIn(text: string): SourceMention[] {
  const system = /^\s*#define\s+TRACE_SYSTEM\s+(\w+)/m.exec(text)?.[1];
  const found: SourceMention[] = [];
  if (system !== undefined)
    for (const match of text.matchAll(TRACE_MACRO)) {
      const rest = text.slice(match.index + match[0].length, match.index + match[0].length + 300);
      // DEFINE_EVENT(class, name, …); the others name the event first.
      const name = (match[0].startsWith('DEFINE') ? /^\w+\s*,\s*(\w+)/ : /^(\w+)/).exec(rest)?.[1];
      if (name !== undefined) found.push({ id: `tracepoint:${system}:${name}`, offset: match.index });
    }
  for (const match of text.matchAll(SYSCALL_MACRO))
    found.push({ id: `syscall:${match[1] ?? ''}`, offset: match.index });
  for (const match of text.matchAll(FUNCTION))
    found.push({ id: `kernel-function:vmlinux:${match[1] ?? ''}`, offset: match.index });
  return found.sort((a, b) => a.offset - b.offset);
}

/** Whether a mention declares a source; whether a function is the kernel's or a module's, its file does not tell. */
export function declares(
  mention: SourceMention,
  source: { readonly id: string; readonly kind: string; readonly name: string },
): boolean {
  return source.kind === 'kernel-function'
    ? mention.id === `kernel-function:vmlinux:${source.name}`
    : mention.id === source.id;
}

/** The declaration that encloses or precedes an offset, or undefined when the file has none before it. */
export function mentionAt(text: string, offset: number): SourceMention | undefined {
  const lineEnd = text.indexOf('\n', offset);
  return mentionsIn(text).findLast((mention) => mention.offset <= (lineEnd < 0 ? text.length : lineEnd));
}
