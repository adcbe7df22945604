import type { CDefinition, CField, Preprocessor, Program } from '../syntax/ast.ts';
import { cInteger } from './c-types.ts';
import type { State } from './state.ts';
import { sizeOf } from './types.ts';

/** What clang would refuse in the script's own definitions of C: names taken twice, and bit fields wider than their type. */
export function checkCDefinitions(state: State, program: Program): void {
  const seen = new Map<string, CDefinition>();
  const constants = new Set<string>();
  for (const item of program.items) {
    if (item.kind === 'preprocessor') checkDirective(state, item);
    if (item.kind !== 'c-definition') continue;
    checkTag(state, item, seen);
    for (const constant of item.constants) {
      if (constants.has(constant.text))
        state.report.error(constant, 'c-definition', `The constant \`${constant.text}\` is defined already.`);
      constants.add(constant.text);
    }
    for (const field of item.fields) checkField(state, field);
  }
}

const directives: ReadonlySet<string> = new Set(
  (
    'define undef include include_next import embed if ifdef ifndef elif elifdef elifndef else endif pragma line warning ' +
    'ident sccs assert unassert'
  ).split(' '),
);

/** What `#define`, `#undef` and `#include` lack, or undefined. */
function missingOperand({ directive, macro, text }: Preprocessor): string | undefined {
  const rest = text.replace(/^#\s*[a-z]+/, '').trim();
  if (directive === 'define' || directive === 'undef')
    // What a line's end in the middle hides is not looked at
    return rest.startsWith('\\') || (macro !== undefined && !/^\d/.test(macro.text))
      ? undefined
      : `\`#${directive}\` needs the name of a macro.`;
  return directive === 'include' && rest === '' ? '`#include` needs a file: `<…>` or `"…"`.' : undefined;
}

/** `#error`, directives that clang does not know or that lack something, unless a condition may leave them out. */
function checkDirective(state: State, item: Preprocessor): void {
  const { directive } = item;
  const missing = hasConditions(state) ? undefined : missingOperand(item);
  if (missing !== undefined) state.report.error(item, 'c-definition', missing);
  if (directive === '' || /^\d/.test(directive) || directives.has(directive) || hasConditions(state)) return;
  state.report.error(
    item,
    'c-definition',
    directive === 'error'
      ? 'The preprocessor stops here with this error.'
      : `\`#${directive}\` is no directive of the preprocessor.`,
  );
}

function checkTag(state: State, item: CDefinition, seen: Map<string, CDefinition>): void {
  if (item.name === undefined) return;
  const key = item.name.text;
  const first = seen.get(key);
  const hasBody = item.fields.length > 0 || item.constants.length > 0;
  if (first !== undefined && hasBody && !hasConditions(state))
    state.report.error(item.name, 'c-definition', `\`${item.keyword} ${key}\` is defined already.`, {
      related: [
        {
          start: first.name?.start ?? first.start,
          end: first.name?.end ?? first.end,
          message: 'It is first defined here.',
        },
      ],
    });
  if (hasBody && first === undefined) seen.set(key, item);
}

/** Of `#if` and `#else` only one side counts, which we do not work out. */
const hasConditions = (state: State): boolean => /^[ \t]*#[ \t]*(?:if|ifdef|ifndef)\b/m.test(state.script);

function checkField(state: State, field: CField): void {
  for (const inner of field.nested ?? []) checkField(state, inner);
  if (field.bits === undefined || field.name === undefined) return;
  const type = cInteger(field.typeText.replace(/\b(const|volatile)\b/g, '').trim());
  const bits = type === undefined ? undefined : (sizeOf(type) ?? 0) * 8;
  if (bits !== undefined && field.bits > bits)
    state.report.error(
      field.name,
      'c-definition',
      `\`${field.name.text}\` has ${field.bits} bits; \`${field.typeText}\` has ${bits}.`,
    );
}
