import {
  CompletionItemKind,
  DiagnosticSeverity,
  DiagnosticTag,
  InsertTextFormat,
  SymbolKind,
  type CompletionItem,
  type Diagnostic as LspDiagnostic,
  type DocumentSymbol,
  type Range,
  type TextEdit as LspTextEdit,
} from 'vscode-languageserver/node';
import { explanationOf } from './explanations.ts';
import type { Diagnostic, Severity, Span, TextEdit } from './language/diagnostic.ts';
import type { Analysis } from './language/features/analysis.ts';
import type { Completion, CompletionKind, CompletionList } from './language/features/completion.ts';
import type { OutlineEntry } from './language/features/structure.ts';
import type { LineIndex } from './language/lines.ts';

export function rangeOf(lines: LineIndex, span: Span): Range {
  return { start: lines.positionAt(span.start), end: lines.positionAt(span.end) };
}

export function editOf(lines: LineIndex, edit: TextEdit): LspTextEdit {
  return { range: rangeOf(lines, edit), newText: edit.newText };
}

const severities: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

/** A diagnostic's code, with a link to where it is explained. */
export function codeOf(code: string): Pick<LspDiagnostic, 'code' | 'codeDescription'> {
  const href = explanationOf(code);
  return href === undefined ? { code } : { code, codeDescription: { href } };
}

export function diagnosticOf(uri: string, analysis: Analysis, diagnostic: Diagnostic): LspDiagnostic {
  const { lines } = analysis;
  const { message, hint, tags, related } = diagnostic;
  return {
    range: rangeOf(lines, diagnostic),
    severity: severities[diagnostic.severity],
    ...codeOf(diagnostic.code),
    source: 'probescope',
    message: hint === undefined ? message : `${message}\n${hint}`,
    ...(tags === undefined
      ? {}
      : {
          tags: tags.map((tag) =>
            tag === 'unnecessary' ? DiagnosticTag.Unnecessary : DiagnosticTag.Deprecated,
          ),
        }),
    ...(related === undefined
      ? {}
      : {
          relatedInformation: related.map((one) => ({
            location: { uri, range: rangeOf(lines, one) },
            message: one.message,
          })),
        }),
  };
}

const completionKinds: Readonly<Record<CompletionKind, CompletionItemKind>> = {
  probe: CompletionItemKind.Event,
  function: CompletionItemKind.Function,
  builtin: CompletionItemKind.Constant,
  keyword: CompletionItemKind.Keyword,
  variable: CompletionItemKind.Variable,
  map: CompletionItemKind.Property,
  field: CompletionItemKind.Field,
  type: CompletionItemKind.TypeParameter,
  struct: CompletionItemKind.Struct,
  option: CompletionItemKind.Property,
  value: CompletionItemKind.Value,
  macro: CompletionItemKind.Module,
  constant: CompletionItemKind.EnumMember,
};

export function completionItems(lines: LineIndex, list: CompletionList): CompletionItem[] {
  const range = rangeOf(lines, list.replaces);
  return list.items.map((item, index) => completionItem(item, index, range, list.incomplete));
}

function completionItem(item: Completion, index: number, range: Range, ordered: boolean): CompletionItem {
  return {
    label: item.label,
    kind: completionKinds[item.kind],
    textEdit: { range, newText: item.snippet ?? item.label },
    insertTextFormat: item.snippet === undefined ? InsertTextFormat.PlainText : InsertTextFormat.Snippet,
    // Lists that come sorted from the fuzzy search keep their order.
    ...(ordered ? { sortText: String(index).padStart(5, '0') } : {}),
    ...(item.detail === undefined ? {} : { detail: item.detail }),
    ...(item.doc === undefined ? {} : { documentation: { kind: 'markdown', value: item.doc } }),
    ...(item.deprecated === true ? { tags: [1] } : {}),
  };
}

const symbolKinds: Readonly<Record<OutlineEntry['kind'], SymbolKind>> = {
  probe: SymbolKind.Event,
  function: SymbolKind.Function,
  macro: SymbolKind.Function,
  map: SymbolKind.Variable,
  struct: SymbolKind.Struct,
  enum: SymbolKind.Enum,
  field: SymbolKind.Field,
  constant: SymbolKind.EnumMember,
  define: SymbolKind.Constant,
  config: SymbolKind.Module,
  option: SymbolKind.Property,
};

export function documentSymbol(lines: LineIndex, entry: OutlineEntry): DocumentSymbol {
  return {
    name: entry.name,
    detail: entry.detail,
    kind: symbolKinds[entry.kind],
    range: rangeOf(lines, entry.span),
    selectionRange: rangeOf(lines, entry.nameSpan),
    children: entry.children.map((child) => documentSymbol(lines, child)),
  };
}
export { symbolKinds };
