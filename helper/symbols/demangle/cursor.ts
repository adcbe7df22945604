import type { Reference, Qualifiers } from './nodes.ts';
import type { ForwardReference } from './pack-nodes.ts';
import type { Node } from './output.ts';
import { NotMangled } from './output.ts';

/** What a name tells about the encoding around it. */
export interface NameState {
  /** Constructors, destructors and conversions have no return type in their encoding. */
  constructorOrConversion: boolean;
  endsWithTemplateArguments: boolean;
  qualifiers: Qualifiers;
  reference: Reference;
  readonly forwardReferencesFrom: number;
}

export const unqualified: Qualifiers = { isConst: false, isVolatile: false, isRestrict: false };

/** Nested deeper than this, a name is hostile. */
const DEEPEST = 400;

/** Reads a mangled name and remembers what later parts refer back to. */
export class Cursor {
  readonly text: string;
  at: number;
  readonly end: number;
  /** What `S_`, `S0_`… stand for. */
  readonly substitutions: Node[] = [];
  /** What `T_`, `T0_`… stand for, by level of template. */
  templateParameters: (Node[] | undefined)[] = [];
  outerParameters: Node[] = [];
  forwardReferences: ForwardReference[] = [];
  tryTemplateArguments = true;
  permitForwardReferences = false;
  lambdaParametersAtLevel = -1;
  readonly #unnamed = [0, 0, 0];
  #depth = 0;

  readonly likeLlvm: boolean;

  constructor(text: string, at: number, end: number, likeLlvm: boolean) {
    this.likeLlvm = likeLlvm;
    this.text = text;
    this.at = at;
    this.end = end;
  }

  /** One of the counters for invented template parameter names: types, values, templates. */
  nextInvented(kind: 0 | 1 | 2): number {
    return this.#unnamed[kind]!++;
  }

  fail(): never {
    throw new NotMangled();
  }

  /** Guards recursion. */
  nest<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST) this.fail();
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  peek(ahead = 0): string {
    return this.at + ahead < this.end ? this.text[this.at + ahead]! : '';
  }

  get atEnd(): boolean {
    return this.at >= this.end;
  }

  take(expected: string): boolean {
    if (this.at + expected.length > this.end || !this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  expect(expected: string): void {
    if (!this.take(expected)) this.fail();
  }

  isDigit(ahead = 0): boolean {
    const char = this.peek(ahead);
    return char >= '0' && char <= '9';
  }

  /** A number as text, `n` in front when it is negative; empty when there is none. */
  number(allowNegative = false): string {
    const start = this.at;
    if (allowNegative) this.take('n');
    if (!this.isDigit()) {
      this.at = start;
      return '';
    }
    while (this.isDigit()) this.at++;
    return this.text.slice(start, this.at);
  }

  positive(): number {
    const text = this.number();
    if (text === '' || text.length > 9) this.fail();
    return Number(text);
  }

  /** Base 36 with capitals. */
  sequenceId(): number {
    let value = 0;
    const start = this.at;
    for (;;) {
      const char = this.peek();
      if (char >= '0' && char <= '9') value = value * 36 + char.charCodeAt(0) - 48;
      else if (char >= 'A' && char <= 'Z') value = value * 36 + char.charCodeAt(0) - 55;
      else break;
      this.at++;
    }
    if (this.at === start || this.at - start > 6) this.fail();
    return value;
  }

  qualifiers(): Qualifiers {
    const isRestrict = this.take('r');
    const isVolatile = this.take('V');
    return { isConst: this.take('K'), isVolatile, isRestrict };
  }
}

export function newState(cursor: Cursor): NameState {
  return {
    constructorOrConversion: false,
    endsWithTemplateArguments: false,
    qualifiers: unqualified,
    reference: '',
    forwardReferencesFrom: cursor.forwardReferences.length,
  };
}
