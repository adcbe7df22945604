import { ProbeError } from '../../protocol/errors.ts';
import { attributes, tags } from '../symbols/dwarf/constants.ts';
import type { Die } from '../symbols/dwarf/die.ts';
import { locationsOf, rangesOf } from '../symbols/dwarf/lists.ts';
import { describeType, typeOf, type Type } from '../symbols/dwarf/types.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import { missingNote } from '../symbols/locate/debug-file.ts';
import type { Scope } from '../symbols/expression/scope.ts';
import type { ScopeAt, Variable } from '../symbols/model.ts';

/** A scope for expressions, and where the function around it begins. */
export interface PlacedScope extends Scope {
  /** Entry of the function with code of its own; entry values refer to it. */
  readonly functionEntry: number;
}

/**
 * What expressions mean at an address. `function`: whose line it is, by name; the address may at the same time be the
 * first of a call that was inlined there. Throws `no-debug-information` where no function is described.
 */
export function scopeAt(debug: DebugInfo, pc: number, functionName?: string): PlacedScope {
  const scopes = debug.scopesAt(pc);
  const outermost = scopes.at(-1);
  const innermost = scopes.find((scope) => scope.function === functionName) ?? scopes[0];
  if (outermost === undefined || innermost === undefined)
    throw new ProbeError({
      code: 'no-debug-information',
      message: `No function is described at address 0x${pc.toString(16)} of ${debug.elf.path}.`,
      remedy: withCapital(missingNote(debug.missing)) ?? 'Compile this file with -g.',
    });
  const root = innermost.die.unit.root();
  const types = new Map<string, Type | undefined>();
  return {
    address: { elf: debug.elf, debug: debug.dwarf?.elf ?? debug.elf, pc, functionDie: outermost.die },
    functionEntry: rangesOf(outermost.die)[0]?.low ?? pc,
    // A line inside an inlined copy sees the copy's variables only: those of the function around it are out of its scope.
    variables: variablesOf(scopes, innermost, pc),
    global: (name) => globalNamed(root, name),
    type: (name) => {
      if (!types.has(name)) types.set(name, typeNamed(root, name));
      return types.get(name);
    },
    lineOf: (address) => debug.frames(address)[0]?.line,
  };
}

function withCapital(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/**
 * The variables of a scope. GCC splits the unlikely rest off a function, and may inline it into the head again: a copy of the function inside itself, which is “called” where the
 * function is declared. That is no other call, and what the rest does not use, and therefore has no place for, still is where the head has it.
 */
function variablesOf(scopes: readonly ScopeAt[], scope: ScopeAt, pc: number): readonly Variable[] {
  const around = scopes[scopes.indexOf(scope) + 1];
  if (around?.function !== scope.function || !isSplitRest(scope.die)) return scope.variables;
  const whole = variablesOf(scopes, around, pc);
  return scope.variables.map((variable) =>
    hasPlace(variable, pc)
      ? variable
      : (whole.find((other) => other.name === variable.name && hasPlace(other, pc)) ?? variable),
  );
}

function isSplitRest(copy: Die): boolean {
  const [line, column] = [copy.number(attributes.callLine), copy.number(attributes.callColumn)];
  return (
    line !== undefined &&
    column !== undefined &&
    line === copy.number(attributes.declLine) &&
    column === copy.number(attributes.declColumn)
  );
}

const hasPlace = ({ locations, constant }: Variable, pc: number): boolean =>
  constant !== undefined || locations().some(({ low, high }) => low <= pc && pc < high);

/** A variable of the file or of a namespace, `ns::name`. Go's are written `package.name`, which is their whole name. */
function globalNamed(root: Die, name: string): Variable | undefined {
  const die = findNamed(root, name.replace(/^::/, ''), (candidate) => candidate.tag === tags.variable, 0);
  if (die === undefined) return undefined;
  const definition = definitionOf(root, die);
  const constant = definition.find(attributes.constValue);
  return {
    name,
    kind: 'global',
    type: () => typeOf(definition),
    die: definition,
    declared: undefined,
    locations: () => locationsOf(definition),
    ...(constant?.kind === 'constant' ? { constant: constant.big ?? constant.value } : {}),
  };
}

/** A declaration inside a namespace or class is defined by a DIE of the unit that refers to it. */
function definitionOf(root: Die, die: Die): Die {
  if (die.has(attributes.location)) return die;
  for (const child of root.children())
    if (child.tag === tags.variable && child.has(attributes.location) && child.origin?.offset === die.offset)
      return child;
  return die;
}

const typeTags: ReadonlySet<number> = new Set([
  tags.structureType,
  tags.classType,
  tags.unionType,
  tags.enumerationType,
  tags.typedef,
  tags.baseType,
]);

function typeNamed(root: Die, name: string): Type | undefined {
  const bare = name.replace(/^(?:struct|class|union|enum) /, '').replace(/^::/, '');
  const die = findNamed(
    root,
    bare,
    (candidate) => typeTags.has(candidate.tag) && !candidate.has(attributes.declaration),
    0,
  );
  return die === undefined ? undefined : describeType(die);
}

/** The first DIE of a qualified name, below namespaces and classes. */
function findNamed(parent: Die, name: string, fits: (die: Die) => boolean, depth: number): Die | undefined {
  const colon = name.indexOf('::');
  const first = colon < 0 ? name : name.slice(0, colon);
  for (const child of parent.children()) {
    if (child.name === name && fits(child)) return child;
    if (colon >= 0 && child.name === first && child.hasChildren && depth < 32) {
      const inner = findNamed(child, name.slice(colon + 2), fits, depth + 1);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}
