import type { Span } from '../diagnostic.ts';
import type { ConfigEntry, Expression, Macro, MapDeclaration, Program, Subprogram } from '../syntax/ast.ts';
import { configOptions, type ConfigWord } from '../tables/config.ts';
import { byName, exists } from '../tables/entry.ts';
import { mapTypeByName } from '../tables/words.ts';
import { typeNodeType } from './casts.ts';
import { alwaysReturns, checkMacroJumps } from './flow.ts';
import { constantInteger } from './fold.ts';
import { notNow, warnDeprecated } from './names.ts';
import { nearest, replace } from './report.ts';
import { mapState, type State } from './state.ts';
import { checkBlock } from './statements.ts';
import { isOpen, typeName } from './types.ts';
import { declare, popScope, pushScope } from './variables.ts';
import { walk } from './walk.ts';

const optionByName = byName(configOptions);

/** One setting of the `config` block. Names may be written as the environment's: `BPFTRACE_MAX_STRLEN`. */
export function checkConfigEntry(state: State, entry: ConfigEntry): void {
  const name = entry.name.text.toLowerCase().replace(/^bpftrace_/, '');
  const option = optionByName.get(name);
  if (option === undefined || option.kind === 'environment-only') {
    const known = configOptions.filter(
      (word) => exists(word, state.version) && word.kind !== 'environment-only',
    );
    const similar = nearest(
      name,
      known.map((word) => word.name),
    );
    state.report.error(
      withAssignment(state, entry),
      'config-option',
      option === undefined
        ? `There is no setting \`${entry.name.text}\`.`
        : `\`${entry.name.text}\` can only be set in the environment.`,
      similar === undefined || option !== undefined
        ? option === undefined
          ? {}
          : { hint: `Run bpftrace with \`BPFTRACE_${name.toUpperCase()}=…\`.` }
        : {
            hint: `Did you mean \`${similar}\`?`,
            fixes: [replace(entry.name, similar, `Change to \`${similar}\``)],
          },
    );
    return;
  }
  if (!exists(option, state.version)) {
    notNow(state, withAssignment(state, entry), `The setting \`${name}\``, option);
    return;
  }
  warnDeprecated(state, entry.name, `The setting \`${name}\``, option);
  const refusal = valueRefusal(state, option, entry.value);
  if (refusal !== undefined) state.report.error(fromAssignment(state, entry), 'config-value', refusal);
  if (option.kind === 'unstable' && refusal === undefined) {
    const isStable = option.deprecated !== undefined && state.version >= option.deprecated;
    if (/^(error|false|0|disable)$/i.test(textOf(entry.value) ?? '') && !isStable)
      state.features.delete(name);
    else state.features.add(name);
  }
  if (name !== 'max_strlen') return;
  const bytes = constantInteger(state, entry.value);
  if (bytes !== undefined && bytes > 0n && bytes < 1_000_000n) state.maxStringBytes = Number(bytes);
}

/** The name and the `=` behind it, where bpftrace points. */
function withAssignment(state: State, { name, value }: ConfigEntry): Span {
  const at = state.source.indexOf('=', name.end);
  return at >= 0 && at < value.start ? { start: name.start, end: at + 1 } : name;
}

/** bpftrace points at the `=`. */
function fromAssignment(state: State, entry: ConfigEntry): Span {
  const at = state.source.indexOf('=', entry.name.end);
  return at < 0 || at > entry.value.start ? entry.value : { start: at, end: entry.value.end };
}

/** The text of a value: bare words and strings mean the same from 0.24 on. */
function textOf(value: Expression): string | undefined {
  if (value.kind === 'identifier') return value.name;
  if (value.kind === 'string') return value.value;
  if (value.kind === 'boolean') return value.value ? 'true' : 'false';
  if (value.kind === 'integer') return value.text;
  return undefined;
}

function valueRefusal(state: State, option: ConfigWord, value: Expression): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const choices = `\`${option.name}\` is one of ${(option.choices ?? []).map((choice) => `\`${choice}\``).join(', ')}.`;
  switch (option.kind) {
    case 'integer':
      if (value.kind === 'integer') return undefined;
      if (value.kind === 'string' && state.version >= 24 && /^\d+$/.test(value.value)) return undefined;
      return `\`${option.name}\` is an integer.`;
    case 'boolean':
      if (value.kind === 'integer') return undefined;
      if (value.kind === 'boolean' || (state.version >= 24 && /^(true|false|0|1)$/i.test(text)))
        return undefined;
      return `\`${option.name}\` is ${state.version >= 24 ? '`true` or `false`' : '0 or 1'}.`;
    case 'string':
      return value.kind === 'string' || state.version >= 24 ? undefined : `\`${option.name}\` is a string.`;
    case 'choice':
    case 'unstable': {
      if (state.version < 24 && (value.kind === 'string') === (option.name === 'stack_mode'))
        return option.name === 'stack_mode'
          ? `\`${option.name}\` is a bare word, without quotes.`
          : `\`${option.name}\` is a string.`;
      if (option.kind === 'unstable' && ['integer', 'boolean'].includes(value.kind)) return undefined;
      if (state.version < (option.choicesSince ?? 0)) return undefined;
      // Without effect any more, so that nothing looks at the value
      if (option.deprecated !== undefined && state.version >= option.deprecated) return undefined;
      const isKnown = option.choices?.some(
        (choice) =>
          choice === text || (option.name !== 'license' && choice.toLowerCase() === text.toLowerCase()),
      );
      return isKnown === true ? undefined : choices;
    }
    case 'environment-only':
      return undefined;
  }
}

const perCpuKinds: ReadonlySet<string> = new Set(['percpuhash', 'percpulruhash', 'percpuarray']);

export function checkMapDeclaration(state: State, declaration: MapDeclaration): void {
  const { mapType, maxEntries, name } = declaration;
  const kind = mapTypeByName.get(mapType.text);
  if (kind === undefined) {
    const similar = nearest(mapType.text, mapTypeByName.keys());
    state.report.error(mapType, 'map-declaration', `There is no type of map \`${mapType.text}\`.`, {
      hint: `Types are ${[...mapTypeByName.keys()].map((word) => `\`${word}\``).join(', ')}.`,
      ...(similar === undefined ? {} : { fixes: [replace(mapType, similar, `Change to \`${similar}\``)] }),
    });
  } else if (!exists(kind, state.version)) notNow(state, mapType, `\`${mapType.text}\``, kind);
  const entries = constantInteger(state, maxEntries);
  if (entries === undefined || entries < 0n) {
    if (maxEntries.kind !== 'broken-expression' && maxEntries.kind !== 'identifier')
      state.report.error(
        maxEntries,
        'map-declaration',
        'The number of entries has to be an integer literal.',
      );
  }
  const map = mapState(state, name.text, name);
  map.declared = mapType.text;
  if (!state.final || map.value.kind !== 'aggregation' || kind === undefined) return;
  if (!perCpuKinds.has(mapType.text))
    state.report.error(
      mapType,
      'map-declaration',
      `${name.text} holds ${typeName(map.value)}, which needs a map for each CPU.`,
      { fixes: [replace(mapType, `percpu${mapType.text}`, `Change to \`percpu${mapType.text}\``)] },
    );
}

/** After the last pass: kinds that do not suit what is stored, and declarations that nothing uses. */
export function checkDeclaredMaps(state: State, program: Program): void {
  for (const item of program.items) {
    if (item.kind !== 'map-declaration') continue;
    const map = state.maps.get(item.name.text);
    if (map === undefined) continue;
    if (perCpuKinds.has(item.mapType.text) && map.value.kind === 'integer')
      state.report.error(
        item.mapType,
        'map-declaration',
        `${item.name.text} holds ${typeName(map.value)}, which needs one map for all CPUs.`,
        {
          hint: 'Per-CPU maps are for aggregations such as `count()` and `sum()`.',
          fixes: [
            replace(item.mapType, item.mapType.text.slice(6), `Change to \`${item.mapType.text.slice(6)}\``),
          ],
        },
      );
    if (map.firstAssigned === undefined && !map.read && map.shape === undefined)
      state.report.hint(item.name, 'unused-map', `${item.name.text} is never used.`, {
        tags: ['unnecessary'],
      });
  }
}

/** Definitions of macros: names of their own, and bodies that touch only what they were given. */
export function checkMacroDefinition(state: State, macro: Macro, earlier: readonly Macro[]): void {
  // A bare word takes any argument, so that a later macro for a variable in its place would never be reached
  const isSame = (other: Macro): boolean =>
    state.version < 25 ||
    (other.parameters.length === macro.parameters.length &&
      other.parameters.every(
        ({ kind }, index) => kind === 'identifier' || kind === macro.parameters[index]?.kind,
      ));
  const twin = earlier.find(isSame);
  if (twin !== undefined)
    state.report.error(
      macro.name,
      'macro-definition',
      `The macro \`${macro.name.text}\` is defined already.`,
      {
        related: [{ start: twin.name.start, end: twin.name.end, message: 'It is first defined here.' }],
      },
    );
  checkMacroJumps(state, macro);
  const names = new Set<string>();
  for (const parameter of macro.parameters) {
    if (names.has(parameter.name) && !(state.version === 25 && parameter.kind === 'identifier'))
      state.report.error(
        parameter,
        'macro-definition',
        `Two parameters of \`${macro.name.text}\` are called ${parameter.name}.`,
      );
    names.add(parameter.name);
  }
  walk(macro.body, (node) => {
    if (node.kind === 'map' && !names.has(node.name))
      state.report.error(
        node,
        'macro-definition',
        `${node.name} is not a parameter of the macro; macros use only the maps that they are given.`,
        { hint: `Add ${node.name} to the parameters and pass it.` },
      );
    return undefined;
  });
}

/** `fn name($x : int64) : void { … }` */
export function checkSubprogram(state: State, subprogram: Subprogram): void {
  state.subprogram = subprogram;
  pushScope(state, subprogram);
  for (const { variable, type } of subprogram.parameters) {
    const declared = typeNodeType(state, type);
    declare(state, variable.name, variable, declared, { byLet: true, fixed: true, assigned: true });
  }
  const returned = typeNodeType(state, subprogram.returnType);
  checkBlock(state, subprogram.body, false);
  popScope(state);
  state.subprogram = undefined;
  if (returned.kind === 'void' || isOpen(returned)) return;
  if (!alwaysReturns(subprogram.body))
    state.report.error(
      subprogram,
      'return-value',
      `Not every way through \`${subprogram.name.text}\` returns ${typeName(returned)}.`,
    );
}
