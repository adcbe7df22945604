import { attributes, tags } from './dwarf/constants.ts';
import type { Die } from './dwarf/die.ts';
import { locationsOf, rangesOf } from './dwarf/lists.ts';
import { typeOf } from './dwarf/types.ts';
import type { UnitIndex } from './dwarf/unit-index.ts';
import type { Variable } from './model.ts';

/** The parameters of a function DIE, in order; of an inlined copy with the abstract instance's names and types. */
export function parametersOf(die: Die, index: UnitIndex): Variable[] {
  const found: Variable[] = [];
  for (const child of die.children())
    if (child.tag === tags.formalParameter) found.push(variableOf(child, 'parameter', index));
  return found;
}

/**
 * Parameters and variables in scope at `address` of a function or inlined copy: its own, and those of the lexical
 * blocks that hold the address, innermost first so that an inner name hides an outer one.
 */
export function variablesInScope(die: Die, address: number, index: UnitIndex): Variable[] {
  const found: Variable[] = [];
  for (const child of die.children()) {
    if (child.tag === tags.formalParameter) found.push(variableOf(child, 'parameter', index));
    else if (child.tag === tags.variable && !isExternDeclaration(child))
      found.push(variableOf(child, 'local', index));
    else if (child.tag === tags.lexicalBlock && holds(child, address))
      found.unshift(...variablesInScope(child, address, index));
  }
  return found;
}

/** Parameters and variables of a whole function, all lexical blocks included, as when no address is given. */
export function allVariables(die: Die, index: UnitIndex): Variable[] {
  const found: Variable[] = [];
  for (const child of die.children()) {
    if (child.tag === tags.formalParameter) found.push(variableOf(child, 'parameter', index));
    else if (child.tag === tags.variable && !isExternDeclaration(child))
      found.push(variableOf(child, 'local', index));
    else if (child.tag === tags.lexicalBlock) found.push(...allVariables(child, index));
  }
  return found;
}

/** `extern int x;` in a block says that x exists elsewhere. */
function isExternDeclaration(die: Die): boolean {
  return die.has(attributes.declaration) && die.flag(attributes.declaration);
}

function holds(block: Die, address: number): boolean {
  return rangesOf(block).some(({ low, high }) => low <= address && address < high);
}

function variableOf(die: Die, kind: Variable['kind'], index: UnitIndex): Variable {
  const constant = die.find(attributes.constValue);
  const line = die.findWithOwner(attributes.declLine);
  const file = die.findWithOwner(attributes.declFile);
  const column = die.number(attributes.declColumn) ?? 0;
  const path =
    file?.value.kind === 'constant' ? index.filesOf(file.owner.unit)?.path(file.value.value) : undefined;
  return {
    name: die.name ?? '',
    kind,
    die,
    type: () => typeOf(die),
    declared:
      path === undefined || line?.value.kind !== 'constant'
        ? undefined
        : { file: path, line: line.value.value, ...(column > 0 ? { column } : {}) },
    locations: () => locationsOf(die),
    ...(constant?.kind === 'constant' ? { constant: constant.big ?? constant.value } : {}),
  };
}
