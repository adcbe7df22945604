import { type Btf, BtfKind } from './btf.ts';

/** A declarator in two halves around the name: `int (*` … `)(void)`. */
interface Declarator {
  readonly left: string;
  readonly right: string;
}

/** Types nest a dozen deep in practice; hostile files may refer to themselves. */
const MAX_DEPTH = 64;

/**
 * Prints BTF types in C spelling. Types are printed once and kept: 56,265 prototypes of a kernel share a few
 * thousand parameter types.
 */
export class BtfPrinter {
  private readonly btf: Btf;
  private readonly anonymous: (id: number) => string;
  private readonly declarators: (Declarator | undefined)[];
  private readonly lists = new Map<number, string>();

  /** `anonymous` names structs, unions and enums without a name; `{…}` by default, for people. */
  constructor(btf: Btf, anonymous: (id: number) => string = () => '{…}') {
    this.btf = btf;
    this.anonymous = anonymous;
    this.declarators = new Array<Declarator | undefined>(btf.end);
  }

  /** The type as in a cast: `struct file *`. */
  type(id: number): string {
    const { left, right } = this.declarator(id, 0);
    return right === '' ? left : left + right;
  }

  /** The type with a declared name: `char name[16]`, `int (*fn)(void *)`. */
  declaration(id: number, name: string): string {
    const { left, right } = this.declarator(id, 0);
    if (name === '') return left + right;
    return `${left}${left.endsWith('*') ? '' : ' '}${name}${right}`;
  }

  /** The prototype of a BTF function: `ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)`. */
  function(id: number): string {
    const btf = this.btf;
    const prototype = btf.target(id);
    // pahole merges equal prototypes: 56,277 functions have 36,000 of them.
    let parameters = this.lists.get(prototype);
    if (parameters === undefined) {
      parameters = `(${this.parameters(prototype, 0)})`;
      this.lists.set(prototype, parameters);
    }
    const { left, right } = this.declarator(btf.target(prototype), 0);
    return left + (left.endsWith('*') ? '' : ' ') + btf.name(id) + parameters + right;
  }

  /** Parameter list of a prototype; `void` when there are none. */
  private parameters(prototype: number, depth: number): string {
    const place = this.btf.at(prototype);
    if (place === undefined) return 'void';
    const { words, word } = place;
    const count = (words[word + 1] ?? 0) & 0xffff;
    if (count === 0) return 'void';
    let text = '';
    for (let index = 0, at = word + 3; index < count; index++, at += 2) {
      if (index > 0) text += ', ';
      const name = this.btf.text(words[at] ?? 0);
      const type = words[at + 1] ?? 0;
      // A last parameter of type void stands for `...`.
      if (type === 0 && name === '') text += '...';
      else text += this.joined(this.declarator(type, depth), name);
    }
    return text;
  }

  private joined(declarator: Declarator, name: string): string {
    if (name === '') return declarator.left + declarator.right;
    const space = declarator.left.endsWith('*') ? '' : ' ';
    return declarator.left + space + name + declarator.right;
  }

  private declarator(id: number, depth: number): Declarator {
    const known = this.declarators[id];
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) return { left: '…', right: '' };
    const made = this.print(id, depth + 1);
    this.declarators[id] = made;
    return made;
  }

  private print(id: number, depth: number): Declarator {
    const btf = this.btf;
    switch (btf.kind(id)) {
      case BtfKind.void:
        return { left: 'void', right: '' };
      case BtfKind.pointer:
        return this.pointer(btf.target(id), depth);
      case BtfKind.array:
        return this.array(id, depth);
      case BtfKind.struct:
        return { left: `struct ${btf.name(id) || this.anonymous(id)}`, right: '' };
      case BtfKind.union:
        return { left: `union ${btf.name(id) || this.anonymous(id)}`, right: '' };
      case BtfKind.enum:
      case BtfKind.enum64:
        return { left: `enum ${btf.name(id) || this.anonymous(id)}`, right: '' };
      case BtfKind.forward:
        return { left: `${isUnionForward(btf, id) ? 'union' : 'struct'} ${btf.name(id)}`, right: '' };
      case BtfKind.const:
        return this.qualified(btf.target(id), 'const', depth);
      case BtfKind.volatile:
        return this.qualified(btf.target(id), 'volatile', depth);
      case BtfKind.restrict:
        return this.qualified(btf.target(id), 'restrict', depth);
      case BtfKind.typeTag:
        return this.declarator(btf.target(id), depth);
      case BtfKind.prototype: {
        const result = this.declarator(btf.target(id), depth);
        return { left: result.left, right: `(${this.parameters(id, depth)})${result.right}` };
      }
      default:
        return { left: btf.name(id), right: '' };
    }
  }

  private pointer(target: number, depth: number): Declarator {
    const inner = this.declarator(target, depth);
    const kind = this.btf.kind(target);
    if (kind === BtfKind.prototype || kind === BtfKind.array)
      return { left: `${inner.left} (*`, right: `)${inner.right}` };
    return { left: inner.left + (inner.left.endsWith('*') ? '*' : ' *'), right: inner.right };
  }

  private array(id: number, depth: number): Declarator {
    const place = this.btf.at(id);
    if (place === undefined) return { left: 'void', right: '' };
    const element = this.declarator(place.words[place.word + 3] ?? 0, depth);
    return { left: element.left, right: `[${place.words[place.word + 5] ?? 0}]${element.right}` };
  }

  private qualified(target: number, qualifier: string, depth: number): Declarator {
    const inner = this.declarator(target, depth);
    // `const int`, but `char *const`.
    if (this.btf.kind(target) === BtfKind.pointer)
      return { left: `${inner.left}${qualifier} `.trimEnd(), right: inner.right };
    return { left: `${qualifier} ${inner.left}`, right: inner.right };
  }
}

function isUnionForward(btf: Btf, id: number): boolean {
  const place = btf.at(id);
  return place !== undefined && (place.words[place.word + 1] ?? 0) >>> 31 === 1;
}

export interface KernelFunction {
  readonly name: string;
  readonly prototype: string;
}

/** Every function of this file with its prototype, in the file's order. */
export function allPrototypes(btf: Btf): KernelFunction[] {
  const printer = new BtfPrinter(btf);
  const functions: KernelFunction[] = [];
  for (const id of btf.idsOf(BtfKind.function))
    functions.push({ name: btf.name(id), prototype: printer.function(id) });
  return functions;
}
