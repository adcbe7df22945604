/** Thrown, and caught in `itanium.ts`, when a name is not mangled after all, or is hostile. */
export class NotMangled extends Error {}

/** Substitutions let 100 letters stand for gigabytes; real names stay below 100 KB. */
const LONGEST = 1 << 20;
/** Nodes that refer to themselves through a substitution would be printed for ever. */
const DEEPEST = 2000;

/** What a name is printed to. */
export class Output {
  text = '';
  /** Which element of a parameter pack is being printed, and of how many; −1 outside of packs. */
  packIndex = -1;
  packSize = -1;
  /** Prints what llvm-symbolizer prints, its mistakes too. */
  readonly likeLlvm: boolean;
  #depth = 0;

  constructor(likeLlvm: boolean) {
    this.likeLlvm = likeLlvm;
  }

  add(text: string): void {
    this.text += text;
    if (this.text.length > LONGEST) throw new NotMangled();
  }

  get last(): string {
    return this.text.charAt(this.text.length - 1);
  }

  /** Prints a node: what comes before the declared name, and what comes after. */
  print(node: Node): void {
    if (++this.#depth > DEEPEST) throw new NotMangled();
    node.left(this);
    node.right(this);
    this.#depth--;
  }

  /** Prints with commas; what prints as nothing (an empty pack) gets none. */
  list(nodes: readonly Node[]): void {
    let first = true;
    for (const node of nodes) {
      const before = this.text;
      if (!first) this.add(', ');
      const after = this.text.length;
      this.print(node);
      if (this.text.length === after) this.text = before;
      else first = false;
    }
  }
}

/**
 * A part of a name. Declarators wrap around: in `int (*f)[3]` the pointer prints `int (*` before and `)[3]` after. The
 * grammar and the spelling are those of the Itanium C++ ABI, section 5.1, as LLVM's demangler (14) prints them.
 */
export abstract class Node {
  abstract left(out: Output): void;
  right(_out: Output): void {}
  /** Something follows on the right, is an array, is a function: what decides about parentheses. */
  hasRight(_out: Output): boolean {
    return false;
  }
  isArray(_out: Output): boolean {
    return false;
  }
  isFunction(_out: Output): boolean {
    return false;
  }
  /** The node behind forward references and packs: what reference collapsing looks at. */
  syntaxNode(_out: Output): Node {
    return this;
  }
  /** The last component, for constructors. */
  baseName(_out: Output): string {
    return '';
  }
}
