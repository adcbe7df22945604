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

/** Prints BTF types in C spelling. Each is printed once and kept: the prototypes of a kernel share some thousand. */
export class BtfPrinter {
  private readonly btf: Btf;
  private readonly anonymous: (id: number) => string;
  private readonly declarators = new Map<number, Declarator>();

  /** `anonymous` names structs, unions and enums without a name; `{...}` by default, for people. */
  constructor(btf: Btf, anonymous: (id: number) => string = () => '{...}') {
    this.btf = btf;
    this.anonymous = anonymous;
  }

  /** The type as in a cast: `struct file *`. */
  type(id: number): string {
    const { left, right } = this.declarator(id);
    return right === '' ? left : left + right;
  }

  /** The type with a declared name: `char name[16]`, `int (*fn)(void *)`. */
  declaration(id: number, name: string): string {
    const { left, before, right } = this.declarator(id);
    return name === '' ? left + right : before + name + right;
  }

  /** The prototype of a BTF function: `ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)`. */
  function(id: number): string {
    const btf = this.btf;
    const prototype = btf.target(id);
    const { before, right } = this.declarator(btf.target(prototype));
    return `${before}${btf.name(id)}(${this.parameters(prototype, 0)})${right}`;
  }

  /** Parameter list of a prototype; `void` when there are none. */
  private parameters(prototype: number, depth: number): string {
    const { btf } = this;
    const count = btf.memberCount(prototype);
    if (count === 0) return 'void';
    const parts: string[] = [];
    for (let index = 0; index < count; index++) {
      if (index > 0) parts.push(', ');
      const name = btf.text(btf.word(prototype, 3 + index * 2));
      const type = btf.word(prototype, 4 + index * 2);
      // A last parameter of type void stands for `...`.
      if (type === 0 && name === '') parts.push('...');
      else {
        const { left, before, right } = this.declarator(type, depth);
        parts.push(name === '' ? left : before, name, right);
      }
    }
    return parts.join('');
  }

  private declarator(id: number, depth = 0): Declarator {
    const known = this.declarators.get(id);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) return declaratorOf('...');
    const made = this.print(id, depth + 1);
    this.declarators.set(id, made);
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
        return declaratorOf(`${btf.flag(id) ? 'union' : 'struct'} ${btf.name(id)}`);
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
      return declaratorOf(`${inner.before}(*`, `)${inner.right}`);
    return declaratorOf(`${inner.before}*`, inner.right);
  }

  private array(id: number, depth: number): Declarator {
    const element = this.declarator(this.btf.word(id, 3), depth);
    return declaratorOf(element.left, `[${this.btf.word(id, 5)}]${element.right}`);
  }

  private qualified(target: number, qualifier: string, depth: number): Declarator {
    const inner = this.declarator(target, depth);
    // `const int`, but `char *const`.
    if (this.btf.kind(target) === BtfKind.pointer)
      return declaratorOf(`${inner.left}${qualifier}`, inner.right);
    return declaratorOf(`${qualifier} ${inner.left}`, inner.right);
  }
}
