import { type Btf, BtfKind } from './btf.ts';

/** A declarator in two halves around the name: `int (*` … `)(void)`. */
interface Declarator {
  readonly left: string;
  /** `left` as it stands before a name: with a space, but `char *name`. */
  readonly before: string;
  readonly right: string;
}

function declaratorOf(left: string, right = ''): Declarator {
  return { left, before: left.endsWith('*') ? left : `${left} `, right };
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
  /** Parameter lists, by prototype. */
  private readonly lists: (string | undefined)[];

  /** `anonymous` names structs, unions and enums without a name; `{…}` by default, for people. */
  constructor(btf: Btf, anonymous: (id: number) => string = () => '{…}') {
    this.btf = btf;
    this.anonymous = anonymous;
    this.declarators = new Array<Declarator | undefined>(btf.end);
    this.lists = new Array<string | undefined>(btf.end);
  }

  /** The type as in a cast: `struct file *`. */
  type(id: number): string {
    const { left, right } = this.declarator(id, 0);
    return right === '' ? left : left + right;
  }

  /** The type with a declared name: `char name[16]`, `int (*fn)(void *)`. */
  declaration(id: number, name: string): string {
    const { left, before, right } = this.declarator(id, 0);
    return name === '' ? left + right : before + name + right;
  }

  /** The prototype of a BTF function: `ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)`. */
  function(id: number): string {
    const btf = this.btf;
    const prototype = btf.target(id);
    // pahole merges equal prototypes: 56,277 functions have 36,000 of them.
    const parameters = (this.lists[prototype] ??= `(${this.parameters(prototype, 0)})`);
    const { before, right } = this.declarator(btf.target(prototype), 0);
    return before + btf.name(id) + parameters + right;
  }

  /** Parameter list of a prototype; `void` when there are none. */
  private parameters(prototype: number, depth: number): string {
    const place = this.btf.at(prototype);
    if (place === undefined) return 'void';
    const { words, word } = place;
    const count = (words[word + 1] ?? 0) & 0xffff;
    if (count === 0) return 'void';
    // Joined at once: of a text that is added up V8 keeps every step, which its garbage collector carries about.
    const parts: string[] = [];
    for (let index = 0, at = word + 3; index < count; index++, at += 2) {
      if (index > 0) parts.push(', ');
      const name = this.btf.text(words[at] ?? 0);
      const type = words[at + 1] ?? 0;
      // A last parameter of type void stands for `...`.
      if (type === 0 && name === '') parts.push('...');
      else {
        const { left, before, right } = this.declarator(type, depth);
        parts.push(name === '' ? left : before, name, right);
      }
    }
    return parts.join('');
  }

  private declarator(id: number, depth: number): Declarator {
    const known = this.declarators[id];
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) return declaratorOf('…');
    const made = this.print(id, depth + 1);
    this.declarators[id] = made;
    return made;
  }

  private print(id: number, depth: number): Declarator {
    const btf = this.btf;
    switch (btf.kind(id)) {
      case BtfKind.void:
        return declaratorOf('void');
      case BtfKind.pointer:
        return this.pointer(btf.target(id), depth);
      case BtfKind.array:
        return this.array(id, depth);
      case BtfKind.struct:
        return declaratorOf(`struct ${btf.name(id) || this.anonymous(id)}`);
      case BtfKind.union:
        return declaratorOf(`union ${btf.name(id) || this.anonymous(id)}`);
      case BtfKind.enum:
      case BtfKind.enum64:
        return declaratorOf(`enum ${btf.name(id) || this.anonymous(id)}`);
      case BtfKind.forward:
        return declaratorOf(`${isUnionForward(btf, id) ? 'union' : 'struct'} ${btf.name(id)}`);
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
        return declaratorOf(result.left, `(${this.parameters(id, depth)})${result.right}`);
      }
      default:
        return declaratorOf(btf.name(id));
    }
  }

  private pointer(target: number, depth: number): Declarator {
    const inner = this.declarator(target, depth);
    const kind = this.btf.kind(target);
    if (kind === BtfKind.prototype || kind === BtfKind.array)
      return declaratorOf(`${inner.left} (*`, `)${inner.right}`);
    return declaratorOf(`${inner.before}*`, inner.right);
  }

  private array(id: number, depth: number): Declarator {
    const place = this.btf.at(id);
    if (place === undefined) return declaratorOf('void');
    const element = this.declarator(place.words[place.word + 3] ?? 0, depth);
    return declaratorOf(element.left, `[${place.words[place.word + 5] ?? 0}]${element.right}`);
  }

  private qualified(target: number, qualifier: string, depth: number): Declarator {
    const inner = this.declarator(target, depth);
    // `const int`, but `char *const`.
    if (this.btf.kind(target) === BtfKind.pointer)
      return declaratorOf(`${inner.left}${qualifier}`, inner.right);
    return declaratorOf(`${qualifier} ${inner.left}`, inner.right);
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
