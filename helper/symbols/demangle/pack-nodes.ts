import type { Output } from './output.ts';
import { Node, NotMangled } from './output.ts';

/** The arguments of a parameter pack, written with commas. */
export class ArgumentPack extends Node {
  readonly elements: readonly Node[];
  constructor(elements: readonly Node[]) {
    super();
    this.elements = elements;
  }
  left(out: Output): void {
    out.list(this.elements);
  }
}

/** A parameter that stands for a pack; prints the element that the surrounding expansion is at. */
export class ParameterPack extends Node {
  readonly #elements: readonly Node[];
  constructor(elements: readonly Node[]) {
    super();
    this.#elements = elements;
  }
  #current(out: Output): Node | undefined {
    if (out.packSize < 0) {
      out.packSize = this.#elements.length;
      out.packIndex = 0;
    }
    return this.#elements[out.packIndex];
  }
  left(out: Output): void {
    this.#current(out)?.left(out);
  }
  override right(out: Output): void {
    this.#current(out)?.right(out);
  }
  override hasRight(out: Output): boolean {
    return this.#current(out)?.hasRight(out) ?? false;
  }
  override isArray(out: Output): boolean {
    return this.#current(out)?.isArray(out) ?? false;
  }
  override isFunction(out: Output): boolean {
    return this.#current(out)?.isFunction(out) ?? false;
  }
  override syntaxNode(out: Output): Node {
    return this.#current(out)?.syntaxNode(out) ?? this;
  }
}

/** `Dp`: repeats its pattern for each element of the pack inside. */
export class PackExpansion extends Node {
  readonly #pattern: Node;
  constructor(pattern: Node) {
    super();
    this.#pattern = pattern;
  }
  get pattern(): Node {
    return this.#pattern;
  }
  left(out: Output): void {
    const { packIndex, packSize } = out;
    const start = out.text;
    out.packIndex = -1;
    out.packSize = -1;
    out.print(this.#pattern);
    if (out.packSize < 0) out.add('...');
    else if (out.packSize === 0) out.text = start;
    else
      for (let element = 1, count = out.packSize; element < count; element++) {
        out.add(', ');
        out.packIndex = element;
        out.print(this.#pattern);
      }
    out.packIndex = packIndex;
    out.packSize = packSize;
  }
}

/** A template parameter used before its arguments are known: in the type of a conversion operator. */
export class ForwardReference extends Node {
  readonly index: number;
  target: Node | undefined;
  #printing = false;
  constructor(index: number) {
    super();
    this.index = index;
  }
  #guarded<T>(otherwise: T, use: (target: Node) => T): T {
    if (this.#printing || this.target === undefined) return otherwise;
    this.#printing = true;
    try {
      return use(this.target);
    } finally {
      this.#printing = false;
    }
  }
  left(out: Output): void {
    if (this.target === undefined) throw new NotMangled();
    this.#guarded(undefined, (target) => target.left(out));
  }
  override right(out: Output): void {
    this.#guarded(undefined, (target) => target.right(out));
  }
  override hasRight(out: Output): boolean {
    return this.#guarded(false, (target) => target.hasRight(out));
  }
  override isArray(out: Output): boolean {
    return this.#guarded(false, (target) => target.isArray(out));
  }
  override isFunction(out: Output): boolean {
    return this.#guarded(false, (target) => target.isFunction(out));
  }
  override syntaxNode(out: Output): Node {
    return this.#guarded<Node>(this, (target) => target.syntaxNode(out));
  }
}

/** `'lambda'(int)`, `'lambda0'(auto)`. */
export class Closure extends Node {
  readonly #templateParameters: readonly Node[];
  readonly #parameters: readonly Node[];
  readonly #count: string;
  constructor(templateParameters: readonly Node[], parameters: readonly Node[], count: string) {
    super();
    this.#templateParameters = templateParameters;
    this.#parameters = parameters;
    this.#count = count;
  }
  left(out: Output): void {
    out.add(`'lambda${this.#count}'`);
    this.declarator(out);
  }
  declarator(out: Output): void {
    if (this.#templateParameters.length > 0) {
      out.add('<');
      out.list(this.#templateParameters);
      out.add('>');
    }
    out.add('(');
    out.list(this.#parameters);
    out.add(')');
  }
}

/** `[](int){...}` as a template argument. */
export class LambdaExpression extends Node {
  readonly #closure: Node;
  constructor(closure: Node) {
    super();
    this.#closure = closure;
  }
  left(out: Output): void {
    out.add('[]');
    if (this.#closure instanceof Closure) this.#closure.declarator(out);
    out.add('{...}');
  }
}

/** Only the part of a type before the name: casts print that. */
export class LeftOnly extends Node {
  readonly #inner: Node;
  constructor(inner: Node) {
    super();
    this.#inner = inner;
  }
  left(out: Output): void {
    this.#inner.left(out);
  }
}
