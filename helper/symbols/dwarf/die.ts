import type { Abbreviation } from './abbreviations.ts';
import { attributes } from './constants.ts';
import type { Unit } from './unit.ts';
import type { AttributeValue } from './values.ts';
import { readValue, skipValue } from './values.ts';

/** Chains of DW_AT_abstract_origin and DW_AT_specification are one to three long; a loop in a hostile file is not followed further. */
const LONGEST_CHAIN = 16;
/** An entry is read from the file this far ahead; of one that is longer the whole unit is. */
const AHEAD_BYTES = 1024;
/** Bytes by which the length of a value is known. */
const LONGEST_NUMBER = 32;
/** Depth of nesting at which a file is taken to be damaged; clang's deepest templates stay below 200. */
const DEEPEST = 4096;

/**
 * A debugging information entry (DWARF 5 section 2.1), decoded when it is asked something. This is the convenient
 * reader, for types, variables and parents of single functions; the index over all DIEs is `scope-walk.ts`.
 */
export class Die {
  readonly unit: Unit;
  /** Offset in the file's `.debug_info` (in `.debug_types` for version 4 type units). */
  readonly offset: number;
  readonly abbreviation: Abbreviation;
  /** Where each attribute's value starts; one more for the end of the DIE. */
  readonly #positions: number[];

  private constructor(unit: Unit, offset: number, abbreviation: Abbreviation, positions: number[]) {
    this.unit = unit;
    this.offset = offset;
    this.abbreviation = abbreviation;
    this.#positions = positions;
  }

  /** The DIE at `offset`, or undefined for the null entry that ends a list of siblings. */
  static at(unit: Unit, offset: number): Die | undefined {
    const reader = unit.readerOfEntry(offset, AHEAD_BYTES);
    const code = reader.uleb();
    if (code === 0) return undefined;
    const abbreviation = unit.abbreviations.get(code);
    if (abbreviation === undefined) return reader.fail(`an entry with the undefined abbreviation ${code}`);
    const positions: number[] = [];
    const ready = offset + AHEAD_BYTES;
    for (const { form } of abbreviation.attributes) {
      const at = reader.at;
      positions.push(at);
      if (at + LONGEST_NUMBER > ready) unit.load();
      skipValue(reader, form, unit);
      if (reader.at <= ready) continue;
      // A long string or block: what was not read from the file yet looked like zeros.
      unit.load();
      reader.at = at;
      skipValue(reader, form, unit);
    }
    positions.push(reader.at);
    return new Die(unit, offset, abbreviation, positions);
  }

  get tag(): number {
    return this.abbreviation.tag;
  }

  get hasChildren(): boolean {
    return this.abbreviation.hasChildren;
  }

  /** Offset behind the DIE's own attributes: its first child, or its next sibling. */
  get endOffset(): number {
    return this.#positions[this.#positions.length - 1]!;
  }

  /** An attribute of this DIE itself. */
  attribute(attribute: number): AttributeValue | undefined {
    const specs = this.abbreviation.attributes;
    for (let index = 0; index < specs.length; index++) {
      const spec = specs[index]!;
      if (spec.attribute === attribute)
        return readValue(
          this.unit.readerOfEntry(this.#positions[index]!, 0),
          spec.form,
          spec.implicit,
          this.unit,
        );
    }
    return undefined;
  }

  has(attribute: number): boolean {
    return this.abbreviation.attributes.some((spec) => spec.attribute === attribute);
  }

  /** An attribute of this DIE or of those it refers to by DW_AT_abstract_origin and DW_AT_specification. */
  find(attribute: number): AttributeValue | undefined {
    return this.findWithOwner(attribute)?.value;
  }

  /** As {@link find}, with the DIE that has the attribute: file numbers count in *its* unit's line table. */
  findWithOwner(attribute: number): { value: AttributeValue; owner: Die } | undefined {
    const own = this.attribute(attribute);
    if (own !== undefined) return { value: own, owner: this };
    let die = this.origin;
    for (let step = 1; die !== undefined && step < LONGEST_CHAIN; step++) {
      const value = die.attribute(attribute);
      if (value !== undefined) return { value, owner: die };
      die = die.origin;
    }
    return undefined;
  }

  /** What this DIE is an instance or the definition of. */
  get origin(): Die | undefined {
    return this.reference(attributes.abstractOrigin) ?? this.reference(attributes.specification);
  }

  /** The DIE that a reference attribute of this DIE names; undefined when it is absent or leads nowhere. */
  reference(attribute: number): Die | undefined {
    const value = this.attribute(attribute);
    return value === undefined ? undefined : this.unit.file.resolve(value, this.unit);
  }

  string(attribute: number): string | undefined {
    const value = this.find(attribute);
    return value?.kind === 'string' ? value.value : undefined;
  }

  /** A constant (or flag) as a number. */
  number(attribute: number): number | undefined {
    const value = this.find(attribute);
    switch (value?.kind) {
      case 'constant':
      case 'address':
      case 'offset':
        return value.value;
      case 'flag':
        return Number(value.value);
      default:
        return undefined;
    }
  }

  flag(attribute: number): boolean {
    return (this.number(attribute) ?? 0) !== 0;
  }

  get name(): string | undefined {
    return this.string(attributes.name);
  }

  get linkageName(): string | undefined {
    return this.string(attributes.linkageName) ?? this.string(attributes.mipsLinkageName);
  }

  /** The children in order. A child's own children are skipped by DW_AT_sibling where it has one. */
  *children(): Generator<Die> {
    if (!this.hasChildren) return;
    let at = this.endOffset;
    while (at < this.unit.end) {
      const child = Die.at(this.unit, at);
      if (child === undefined) return;
      yield child;
      at = child.nextSiblingOffset;
    }
  }

  /** Offset of the DIE behind this one and all its descendants. */
  get nextSiblingOffset(): number {
    if (!this.hasChildren) return this.endOffset;
    const sibling = this.attribute(attributes.sibling);
    // Backwards would be a loop.
    if (sibling?.kind === 'reference' && sibling.offset > this.offset && sibling.offset <= this.unit.end)
      return sibling.offset;
    return endOfChildren(this);
  }

  /** The enclosing DIEs, outermost (the unit's) first. Found by walking down from the unit's root: DIEs know no parent. */
  ancestors(): Die[] {
    const path: Die[] = [];
    let die: Die | undefined = this.unit.root();
    while (die !== undefined && die.offset < this.offset) {
      path.push(die);
      die = childAround(die, this.offset);
    }
    return die === undefined ? [] : path;
  }
}

/** The child of `parent` that is at `offset` or holds it. */
function childAround(parent: Die, offset: number): Die | undefined {
  for (const child of parent.children()) {
    if (child.offset === offset) return child;
    if (child.offset > offset) return undefined;
    if (child.nextSiblingOffset > offset) return child;
  }
  return undefined;
}

function endOfChildren(parent: Die): number {
  let at = parent.endOffset;
  let depth = 1;
  while (depth > 0 && at < parent.unit.end) {
    const die = Die.at(parent.unit, at);
    if (die === undefined) {
      depth--;
      at++;
    } else {
      if (die.hasChildren) depth++;
      if (depth > DEEPEST) return parent.unit.reader(at).fail(`entries nested more than ${DEEPEST} deep`);
      at = die.endOffset;
    }
  }
  return at;
}
