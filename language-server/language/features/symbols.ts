import type { Span, TextEdit } from '../diagnostic.ts';
import type { Block, Macro, Node, Program } from '../syntax/ast.ts';
import { childrenOf } from '../syntax/walk.ts';
import type { Version } from '../version.ts';
import type { Analysis } from './analysis.ts';

export type SymbolKind =
  'variable' | 'map' | 'function' | 'macro' | 'define' | 'type' | 'constant' | 'probe' | 'parameter';

/** A name in the script that stands for something the script itself defines. */
export interface Reference extends Span {
  readonly kind: SymbolKind;
  /** As written, sigils included. */
  readonly name: string;
  /** The same for all references to one thing, and for nothing else. */
  readonly symbol: string;
  readonly write: boolean;
  /** Where it is defined; the first assignment counts for variables and maps without declaration. */
  readonly definition: boolean;
}

/** All references of a script, in the order of the source. */
export function referencesOf(analysis: Analysis): readonly Reference[] {
  const collector = new Collector(analysis.version);
  collector.program(analysis.parsed.program);
  return collector.references.sort((a, b) => a.start - b.start);
}

/** A scope of variables: a probe, or since 0.22 a block. */
interface Scope {
  readonly id: number;
  readonly names: Set<string>;
  readonly parent: Scope | undefined;
}

class Collector {
  readonly references: Reference[] = [];
  private readonly blockScopes: boolean;
  private readonly defined = new Set<string>();
  private readonly definitions = new Map<string, SymbolKind>();
  private scope: Scope | undefined;
  private nextScope = 0;
  /** Names that the macro around the current node takes; they hide the script's. */
  private macro: { readonly name: string; readonly parameters: ReadonlySet<string> } | undefined;

  constructor(version: Version) {
    this.blockScopes = version >= 22;
  }

  program(program: Program): void {
    for (const item of program.items) {
      if (item.kind === 'macro') this.definitions.set(item.name.text, 'macro');
      if (item.kind === 'subprogram') this.definitions.set(item.name.text, 'function');
      if (item.kind === 'preprocessor' && item.macro !== undefined)
        this.definitions.set(item.macro.text, 'define');
      if (item.kind === 'c-definition')
        for (const constant of item.constants) this.definitions.set(constant.text, 'constant');
    }
    for (const item of program.items) this.visit(item);
  }

  private add(
    kind: SymbolKind,
    name: string,
    span: Span,
    symbol: string,
    write: boolean,
    definition = false,
  ): void {
    const first =
      definition || ((kind === 'variable' || kind === 'map') && write && !this.defined.has(symbol));
    if (first) this.defined.add(symbol);
    this.references.push({ kind, name, start: span.start, end: span.end, symbol, write, definition: first });
  }

  private visit(node: Node): void {
    switch (node.kind) {
      case 'probe':
      case 'subprogram':
        this.inScope(() => {
          if (node.kind === 'subprogram')
            this.add('function', node.name.text, node.name, `function:${node.name.text}`, true, true);
          this.children(node);
        });
        return;
      case 'macro':
        this.visitMacro(node);
        return;
      case 'block':
        this.visitBlock(node);
        return;
      case 'for':
        this.visit(node.iterable);
        this.inScope(() => {
          this.declareVariable(node.variable.name, node.variable);
          this.children(node.body);
        }, this.blockScopes);
        return;
      case 'variable-declaration':
        if (node.value !== undefined) this.visit(node.value);
        if (node.type !== undefined) this.visit(node.type);
        this.declareVariable(node.variable.name, node.variable);
        return;
      case 'parameter':
        this.declareVariable(node.variable.name, node.variable);
        this.visit(node.type);
        return;
      case 'assignment':
        this.visit(node.value);
        this.visitTarget(node.target);
        return;
      case 'update':
        this.visitTarget(node.operand);
        return;
      default:
        this.visitName(node);
    }
  }

  private visitName(node: Node): void {
    switch (node.kind) {
      case 'variable':
        this.variable(node.name, node, false);
        break;
      case 'map':
        this.map(node.name, { start: node.start, end: node.nameEnd }, false);
        break;
      case 'map-declaration':
        this.add('map', node.name.text, node.name, `map:${node.name.text}`, true, true);
        break;
      case 'call':
        if (this.definitions.has(node.callee.text)) this.global(node.callee.text, node.callee);
        break;
      case 'identifier':
        if (this.macro?.parameters.has(node.name) === true)
          this.add('parameter', node.name, node, `macro:${this.macro.name}:${node.name}`, false);
        else if (this.definitions.has(node.name)) this.global(node.name, node);
        break;
      case 'preprocessor':
        if (node.macro !== undefined)
          this.add('define', node.macro.text, node.macro, `define:${node.macro.text}`, true, true);
        break;
      case 'c-definition':
        if (node.name !== undefined)
          this.add('type', node.name.text, node.name, `type:${node.name.text}`, true, true);
        for (const constant of node.constants)
          this.add('constant', constant.text, constant, `constant:${constant.text}`, true, true);
        break;
      case 'named-type':
        if (node.keyword !== undefined)
          this.add('type', node.name.text, node.name, `type:${node.name.text}`, false);
        break;
      case 'attach-point':
        if (node.label !== undefined)
          this.add('probe', node.label.text, node.label, `probe:${node.label.text}`, true, true);
        break;
      default:
    }
    this.children(node);
  }

  private global(name: string, span: Span): void {
    const kind = this.definitions.get(name) ?? 'define';
    this.add(kind, name, span, `${kind}:${name}`, false);
  }

  private children(node: Node): void {
    for (const child of childrenOf(node)) this.visit(child);
  }

  private visitMacro(node: Macro): void {
    this.add('macro', node.name.text, node.name, `macro:${node.name.text}`, true, true);
    const names = new Set(node.parameters.map((parameter) => parameter.name));
    this.macro = { name: node.name.text, parameters: names };
    this.inScope(() => {
      for (const parameter of node.parameters)
        this.add(
          'parameter',
          parameter.name,
          parameter,
          `macro:${node.name.text}:${parameter.name}`,
          true,
          true,
        );
      this.children(node.body);
    });
    this.macro = undefined;
  }

  private visitBlock(node: Block): void {
    this.inScope(() => {
      this.children(node);
    }, this.blockScopes);
  }

  private visitTarget(node: Node): void {
    if (node.kind === 'variable') this.variable(node.name, node, true);
    else if (node.kind === 'map') {
      this.map(node.name, { start: node.start, end: node.nameEnd }, true);
      this.children(node);
    } else this.visit(node);
  }

  private map(name: string, span: Span, write: boolean): void {
    if (this.macro?.parameters.has(name) === true)
      this.add('parameter', name, span, `macro:${this.macro.name}:${name}`, write);
    else this.add('map', name, span, `map:${name}`, write);
  }

  private variable(name: string, span: Span, write: boolean): void {
    if (name === '') return;
    if (this.macro?.parameters.has(name) === true) {
      this.add('parameter', name, span, `macro:${this.macro.name}:${name}`, write);
      return;
    }
    let scope = this.scope;
    while (scope !== undefined && !scope.names.has(name)) scope = scope.parent;
    if (scope === undefined) this.declareVariable(name, span, write);
    else this.add('variable', name, span, `variable:${scope.id}:${name}`, write);
  }

  private declareVariable(name: string, span: Span, write = true): void {
    if (name === '' || this.scope === undefined) return;
    this.scope.names.add(name);
    this.add('variable', name, span, `variable:${this.scope.id}:${name}`, write);
  }

  private inScope(inside: () => void, opens = true): void {
    if (!opens) {
      inside();
      return;
    }
    const outer = this.scope;
    this.scope = { id: this.nextScope++, names: new Set(), parent: outer };
    inside();
    this.scope = outer;
  }
}

/** The reference that the cursor stands on or right behind. */
export function referenceAt(references: readonly Reference[], offset: number): Reference | undefined {
  return (
    references.find((one) => one.start <= offset && offset < one.end) ??
    references.find((one) => one.end === offset)
  );
}

/** All references to the thing under the cursor. */
export function occurrencesAt(analysis: Analysis, offset: number): readonly Reference[] {
  const references = referencesOf(analysis);
  const reference = referenceAt(references, offset);
  return reference === undefined ? [] : references.filter((one) => one.symbol === reference.symbol);
}

/** Where the thing under the cursor is defined. */
export function definitionAt(analysis: Analysis, offset: number): Reference | undefined {
  return occurrencesAt(analysis, offset).find((one) => one.definition);
}

/** What can be renamed at the cursor, or why nothing can. */
export function prepareRename(analysis: Analysis, offset: number): Reference | { readonly refusal: string } {
  const reference = referenceAt(referencesOf(analysis), offset);
  if (reference === undefined)
    return {
      refusal: 'Only variables, maps, macros, functions, types and named probes have names to change.',
    };
  if (reference.kind === 'type' && definitionAt(analysis, offset) === undefined)
    return { refusal: `${reference.name} is a type of the kernel.` };
  if (reference.name === '@')
    return { refusal: 'The map @ has no name to change; give it one where it stands.' };
  return reference;
}

/** The edits that rename the thing under the cursor, or why the new name cannot be. */
export function rename(
  analysis: Analysis,
  offset: number,
  newName: string,
): readonly TextEdit[] | { readonly refusal: string } {
  const reference = prepareRename(analysis, offset);
  if ('refusal' in reference) return reference;
  const sigil = /^[$@]/.exec(reference.name)?.[0] ?? '';
  const bare = newName.startsWith(sigil) ? newName.slice(sigil.length) : newName;
  if (!/^[A-Za-z_]\w*$/.test(bare))
    return { refusal: `${newName} is no name: letters, digits and _ make one, a letter first.` };
  const all = referencesOf(analysis);
  const text = sigil + bare;
  const clash = all.some(
    (one) => one.name === text && one.symbol !== reference.symbol && sharesScope(one, reference),
  );
  if (clash) return { refusal: `${text} exists already.` };
  return all
    .filter((one) => one.symbol === reference.symbol)
    .map(({ start, end }) => ({ start, end, newText: text }));
}

/** Variables of different scopes may share a name; everything else may not. */
function sharesScope(a: Reference, b: Reference): boolean {
  if (a.kind !== b.kind && !(isGlobal(a) && isGlobal(b))) return false;
  return a.kind !== 'variable' || a.symbol.split(':')[1] === b.symbol.split(':')[1];
}
function isGlobal({ kind }: Reference): boolean {
  return kind === 'macro' || kind === 'function' || kind === 'define';
}
