import type { Output } from './output.ts';
import { Node, NotMangled } from './output.ts';

export type Reference = '' | '&' | '&&';
export interface Qualifiers {
  readonly isConst: boolean;
  readonly isVolatile: boolean;
  readonly isRestrict: boolean;
}

export function qualifierText({ isConst, isVolatile, isRestrict }: Qualifiers): string {
  return `${isConst ? ' const' : ''}${isVolatile ? ' volatile' : ''}${isRestrict ? ' restrict' : ''}`;
}

export class Name extends Node {
  readonly text: string;
  constructor(text: string) {
    super();
    this.text = text;
  }
  left(out: Output): void {
    out.add(this.text);
  }
  override baseName(_out: Output): string {
    return this.text;
  }
}

/** Text around a node, and another node behind it: most of the grammar. */
export class Around extends Node {
  readonly #before: string;
  readonly #inner: Node;
  readonly #after: string;
  readonly #base: 'inner' | 'none';
  constructor(before: string, inner: Node, after = '', base: 'inner' | 'none' = 'none') {
    super();
    this.#before = before;
    this.#inner = inner;
    this.#after = after;
    this.#base = base;
  }
  left(out: Output): void {
    out.add(this.#before);
    out.print(this.#inner);
    out.add(this.#after);
  }
  override baseName(out: Output): string {
    return this.#base === 'inner' ? this.#inner.baseName(out) : '';
  }
}

/** Nodes and texts one after the other. */
export class Sequence extends Node {
  readonly #parts: readonly (Node | string | readonly Node[])[];
  constructor(...parts: (Node | string | readonly Node[])[]) {
    super();
    this.#parts = parts;
  }
  left(out: Output): void {
    for (const part of this.#parts)
      if (typeof part === 'string') out.add(part);
      else if (part instanceof Node) out.print(part);
      else out.list(part);
  }
}

/** `Outer::Inner`. */
export class Nested extends Node {
  readonly #outer: Node;
  readonly inner: Node;
  constructor(outer: Node, inner: Node) {
    super();
    this.#outer = outer;
    this.inner = inner;
  }
  left(out: Output): void {
    out.print(this.#outer);
    out.add('::');
    out.print(this.inner);
  }
  override baseName(out: Output): string {
    return this.inner.baseName(out);
  }
}

/** `std::string` and its kind: the abbreviations of the ABI, spelt out where a constructor needs the real class. */
export class StandardName extends Node {
  readonly short: string;
  readonly expanded: boolean;
  constructor(short: string, expanded: boolean) {
    super();
    this.short = short;
    this.expanded = expanded;
  }
  left(out: Output): void {
    out.add('std::');
    out.add(this.expanded ? this.baseName(out) : this.short);
    if (!this.expanded) return;
    out.add('<char, std::char_traits<char>');
    out.add(this.short === 'string' ? ', std::allocator<char> >' : ' >');
  }
  /** `std::string::basic_string()` is written with the class spelt out. */
  forConstructor(): StandardName {
    return /^(string|istream|ostream|iostream)$/.test(this.short) ? new StandardName(this.short, true) : this;
  }
  override baseName(_out: Output): string {
    if (!this.expanded) return this.short;
    return `basic_${this.short}`;
  }
}

export class TemplateArguments extends Node {
  readonly #args: readonly Node[];
  constructor(args: readonly Node[]) {
    super();
    this.#args = args;
  }
  left(out: Output): void {
    out.add('<');
    out.list(this.#args);
    if (out.last === '>') out.add(' ');
    out.add('>');
  }
}

export class Templated extends Node {
  readonly #name: Node;
  readonly #args: Node;
  constructor(name: Node, args: Node) {
    super();
    this.#name = name;
    this.#args = args;
  }
  left(out: Output): void {
    out.print(this.#name);
    out.print(this.#args);
  }
  override baseName(out: Output): string {
    return this.#name.baseName(out);
  }
}

/** `[abi:cxx11]` behind a name. */
export class Tagged extends Node {
  readonly #name: Node;
  readonly #tag: string;
  constructor(name: Node, tag: string) {
    super();
    this.#name = name;
    this.#tag = tag;
  }
  left(out: Output): void {
    this.#name.left(out);
    out.add(`[abi:${this.#tag}]`);
  }
  override baseName(out: Output): string {
    // LLVM 14 forgets the class here: `failure[abi:cxx11]::(char const*)`.
    return out.likeLlvm ? '' : this.#name.baseName(out);
  }
}

export class Constructor extends Node {
  readonly #className: Node;
  readonly #destructor: boolean;
  constructor(className: Node, destructor: boolean) {
    super();
    this.#className = className;
    this.#destructor = destructor;
  }
  left(out: Output): void {
    if (this.#destructor) out.add('~');
    out.add(this.#className.baseName(out));
  }
}

/** A type with the same declarator behaviour as the one inside it. */
abstract class Wrapping extends Node {
  readonly inner: Node;
  constructor(inner: Node) {
    super();
    this.inner = inner;
  }
  override hasRight(out: Output): boolean {
    return this.inner.hasRight(out);
  }
  override isArray(out: Output): boolean {
    return this.inner.isArray(out);
  }
  override isFunction(out: Output): boolean {
    return this.inner.isFunction(out);
  }
}

export class Qualified extends Wrapping {
  readonly #qualifiers: Qualifiers;
  constructor(inner: Node, qualifiers: Qualifiers) {
    super(inner);
    this.#qualifiers = qualifiers;
  }
  left(out: Output): void {
    this.inner.left(out);
    out.add(qualifierText(this.#qualifiers));
  }
  override right(out: Output): void {
    this.inner.right(out);
  }
}

/** What points at another type: an array or a function stands around it in parentheses, `int (*)[3]`. */
abstract class Pointing extends Wrapping {
  /** Prints `inner`'s front, and the parenthesis that its declarator needs. */
  protected open(out: Output, inner: Node): void {
    inner.left(out);
    if (inner.isArray(out)) out.add(' ');
    if (inner.isArray(out) || inner.isFunction(out)) out.add('(');
  }
  protected close(out: Output, inner: Node): void {
    if (inner.isArray(out) || inner.isFunction(out)) out.add(')');
    inner.right(out);
  }
  override right(out: Output): void {
    this.close(out, this.inner);
  }
  override isArray(): boolean {
    return false;
  }
  override isFunction(): boolean {
    return false;
  }
}

export class Pointer extends Pointing {
  left(out: Output): void {
    this.open(out, this.inner);
    out.add('*');
  }
}

/** References to references collapse: `&` wins over `&&`. */
export class ReferenceType extends Pointing {
  readonly #kind: '&' | '&&';
  #printing = false;
  constructor(inner: Node, kind: '&' | '&&') {
    super(inner);
    this.#kind = kind;
  }
  #collapsed(out: Output): { kind: '&' | '&&'; inner: Node } {
    let kind = this.#kind;
    let inner = this.inner;
    for (let step = 0; step < 100; step++) {
      const node = inner.syntaxNode(out);
      if (!(node instanceof ReferenceType)) return { kind, inner };
      inner = node.inner;
      if (node.#kind === '&') kind = '&';
    }
    throw new NotMangled();
  }
  left(out: Output): void {
    if (this.#printing) return;
    this.#printing = true;
    const { kind, inner } = this.#collapsed(out);
    this.open(out, inner);
    out.add(kind);
    this.#printing = false;
  }
  override right(out: Output): void {
    if (this.#printing) return;
    this.#printing = true;
    const { inner } = this.#collapsed(out);
    this.close(out, inner);
    this.#printing = false;
  }
}

export class MemberPointer extends Pointing {
  readonly #className: Node;
  constructor(className: Node, member: Node) {
    super(member);
    this.#className = className;
  }
  left(out: Output): void {
    this.inner.left(out);
    out.add(this.inner.isArray(out) || this.inner.isFunction(out) ? '(' : ' ');
    out.print(this.#className);
    out.add('::*');
  }
}

export class ArrayType extends Node {
  readonly #element: Node;
  readonly #size: Node | undefined;
  constructor(element: Node, size: Node | undefined) {
    super();
    this.#element = element;
    this.#size = size;
  }
  left(out: Output): void {
    this.#element.left(out);
  }
  override right(out: Output): void {
    if (out.last !== ']') out.add(' ');
    out.add('[');
    if (this.#size !== undefined) out.print(this.#size);
    out.add(']');
    this.#element.right(out);
  }
  override hasRight(): boolean {
    return true;
  }
  override isArray(): boolean {
    return true;
  }
}

export class FunctionType extends Node {
  readonly #result: Node;
  readonly #parameters: readonly Node[];
  readonly #qualifiers: Qualifiers;
  readonly #reference: Reference;
  readonly #exceptions: Node | undefined;
  constructor(
    result: Node,
    parameters: readonly Node[],
    qualifiers: Qualifiers,
    reference: Reference,
    exceptions: Node | undefined,
  ) {
    super();
    this.#result = result;
    this.#parameters = parameters;
    this.#qualifiers = qualifiers;
    this.#reference = reference;
    this.#exceptions = exceptions;
  }
  left(out: Output): void {
    this.#result.left(out);
    out.add(' ');
  }
  override right(out: Output): void {
    out.add('(');
    out.list(this.#parameters);
    out.add(')');
    this.#result.right(out);
    out.add(qualifierText(this.#qualifiers));
    if (this.#reference !== '') out.add(` ${this.#reference}`);
    if (this.#exceptions === undefined) return;
    out.add(' ');
    out.print(this.#exceptions);
  }
  override hasRight(): boolean {
    return true;
  }
  override isFunction(): boolean {
    return true;
  }
}

/** A function with its parameters: the top of most names. */
export class Encoding extends Node {
  readonly #result: Node | undefined;
  readonly #name: Node;
  readonly #parameters: readonly Node[];
  readonly #qualifiers: Qualifiers;
  readonly #reference: Reference;
  readonly #attributes: Node | undefined;
  constructor(
    result: Node | undefined,
    name: Node,
    parameters: readonly Node[],
    qualifiers: Qualifiers,
    reference: Reference,
    attributes: Node | undefined,
  ) {
    super();
    this.#result = result;
    this.#name = name;
    this.#parameters = parameters;
    this.#qualifiers = qualifiers;
    this.#reference = reference;
    this.#attributes = attributes;
  }
  left(out: Output): void {
    if (this.#result !== undefined) {
      this.#result.left(out);
      if (!this.#result.hasRight(out)) out.add(' ');
    }
    out.print(this.#name);
  }
  override right(out: Output): void {
    out.add('(');
    out.list(this.#parameters);
    out.add(')');
    this.#result?.right(out);
    out.add(qualifierText(this.#qualifiers));
    if (this.#reference !== '') out.add(` ${this.#reference}`);
    if (this.#attributes !== undefined) out.print(this.#attributes);
  }
  override hasRight(): boolean {
    return true;
  }
  override isFunction(): boolean {
    return true;
  }
}
