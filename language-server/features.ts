import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CodeActionKind,
  FoldingRangeKind,
  InlayHintKind,
  ResponseError,
  SemanticTokensBuilder,
  type Connection,
  type SelectionRange,
  type TextDocuments,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { completionItems, diagnosticOf, documentSymbol, editOf, rangeOf, symbolKinds } from './convert.ts';
import type { Documents } from './documents.ts';
import type { Analysis } from './language/features/analysis.ts';
import { codeActions } from './language/features/code-actions.ts';
import { complete } from './language/features/completion.ts';
import { hover } from './language/features/hover.ts';
import { inlayHints } from './language/features/inlay-hints.ts';
import { semanticTokens, tokenModifiers, tokenTypes } from './language/features/semantic-tokens.ts';
import { signatureHelp } from './language/features/signature-help.ts';
import { folds, lenses, links, outline, selectionRanges, type Link } from './language/features/structure.ts';
import { definitionAt, occurrencesAt, prepareRename, rename } from './language/features/symbols.ts';
import { formatEdits } from './language/format/format.ts';

interface Opened {
  readonly document: TextDocument;
  readonly analysis: Analysis;
}

/** Answers the questions of editors: each handler finds the analysis, asks one pure function and converts its answer. */
export function registerFeatures(
  connection: Connection,
  open: TextDocuments<TextDocument>,
  documents: Documents,
): void {
  const find = (uri: string): Opened | undefined => {
    const document = open.get(uri);
    return document === undefined ? undefined : { document, analysis: documents.analysisOf(document) };
  };
  registerNavigation(connection, find);
  registerWriting(connection, find, documents);
  registerStructure(connection, find, open, documents);
}

type Find = (uri: string) => Opened | undefined;

function registerNavigation(connection: Connection, find: Find): void {
  connection.onHover(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    const result = found && hover(found.analysis, found.analysis.lines.offsetAt(position));
    if (found === undefined || result === undefined) return null;
    return {
      contents: { kind: 'markdown', value: result.text },
      range: rangeOf(found.analysis.lines, result),
    };
  });
  connection.onDefinition(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    const definition = found && definitionAt(found.analysis, found.analysis.lines.offsetAt(position));
    return found === undefined || definition === undefined
      ? null
      : { uri: textDocument.uri, range: rangeOf(found.analysis.lines, definition) };
  });
  connection.onReferences(({ textDocument, position, context }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    return occurrencesAt(found.analysis, found.analysis.lines.offsetAt(position))
      .filter((one) => context.includeDeclaration || !one.definition)
      .map((one) => ({ uri: textDocument.uri, range: rangeOf(found.analysis.lines, one) }));
  });
  connection.onDocumentHighlight(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    return occurrencesAt(found.analysis, found.analysis.lines.offsetAt(position)).map((one) => ({
      range: rangeOf(found.analysis.lines, one),
      kind: one.write ? 3 : 2,
    }));
  });
  connection.onPrepareRename(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const result = prepareRename(found.analysis, found.analysis.lines.offsetAt(position));
    if ('refusal' in result) throw new ResponseError(-32803, result.refusal);
    return { range: rangeOf(found.analysis.lines, result), placeholder: result.name };
  });
  connection.onRenameRequest(({ textDocument, position, newName }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const result = rename(found.analysis, found.analysis.lines.offsetAt(position), newName);
    if ('refusal' in result) throw new ResponseError(-32803, result.refusal);
    return { changes: { [textDocument.uri]: result.map((edit) => editOf(found.analysis.lines, edit)) } };
  });
}

function registerWriting(connection: Connection, find: Find, documents: Documents): void {
  connection.onCompletion(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const { lines } = found.analysis;
    const list = complete(found.analysis, lines.offsetAt(position), documents.names);
    return { isIncomplete: list.incomplete, items: completionItems(lines, list) };
  });
  connection.onSignatureHelp(({ textDocument, position }) => {
    const found = find(textDocument.uri);
    const help = found && signatureHelp(found.analysis, found.analysis.lines.offsetAt(position));
    if (help === undefined) return null;
    return {
      activeSignature: help.activeSignature,
      activeParameter: help.activeParameter,
      signatures: help.signatures.map(({ label, parameters, doc }) => ({
        label,
        documentation: doc,
        parameters: parameters.map(([start, end]) => ({ label: [start, end] as [number, number] })),
      })),
    };
  });
  connection.onCodeAction(({ textDocument, range }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const { lines } = found.analysis;
    return codeActions(found.analysis, lines.offsetAt(range.start), lines.offsetAt(range.end)).map(
      ({ fix, diagnostic }) => ({
        title: fix.title,
        kind: diagnostic === undefined ? CodeActionKind.RefactorRewrite : CodeActionKind.QuickFix,
        isPreferred: fix.preferred === true,
        ...(diagnostic === undefined
          ? {}
          : { diagnostics: [diagnosticOf(textDocument.uri, found.analysis, diagnostic)] }),
        edit: { changes: { [textDocument.uri]: fix.edits.map((edit) => editOf(lines, edit)) } },
      }),
    );
  });
  registerFormatting(connection, find);
}

function registerFormatting(connection: Connection, find: Find): void {
  const edits = (
    uri: string,
    options: { tabSize: number; insertSpaces: boolean },
    from: number,
    to: number,
  ) => {
    const found = find(uri);
    if (found === undefined) return null;
    const { lines, source, version } = found.analysis;
    const indent = options.insertSpaces ? ' '.repeat(options.tabSize) : '\t';
    const all = formatEdits(source, { version, indent }) ?? [];
    return all
      .filter((edit) => lines.lineOf(edit.end) >= from && lines.lineOf(edit.start) <= to)
      .map((edit) => editOf(lines, edit));
  };
  connection.onDocumentFormatting(({ textDocument, options }) =>
    edits(textDocument.uri, options, 0, Infinity),
  );
  connection.onDocumentRangeFormatting(({ textDocument, options, range }) =>
    edits(textDocument.uri, options, range.start.line, range.end.line),
  );
  connection.onDocumentOnTypeFormatting(({ textDocument, options, position, ch }) => {
    const line = ch === '\n' ? position.line - 1 : position.line;
    // Only what stands before the cursor moves: the line that is being written stays as it is.
    return (edits(textDocument.uri, options, line, line) ?? []).filter(
      ({ range }) => range.end.line < position.line || range.end.character < position.character,
    );
  });
}

function registerStructure(
  connection: Connection,
  find: Find,
  open: TextDocuments<TextDocument>,
  documents: Documents,
): void {
  connection.onDocumentSymbol(({ textDocument }) => {
    const found = find(textDocument.uri);
    return found === undefined
      ? null
      : outline(found.analysis).map((entry) => documentSymbol(found.analysis.lines, entry));
  });
  connection.onWorkspaceSymbol(({ query }) =>
    open.all().flatMap((document) => {
      const analysis = documents.analysisOf(document);
      return outline(analysis)
        .flatMap((entry) => [entry, ...entry.children])
        .filter((entry) => entry.name.toLowerCase().includes(query.toLowerCase()))
        .map((entry) => ({
          name: entry.name,
          kind: symbolKinds[entry.kind],
          location: { uri: document.uri, range: rangeOf(analysis.lines, entry.nameSpan) },
        }));
    }),
  );
  connection.onFoldingRanges(({ textDocument }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const { lines } = found.analysis;
    return folds(found.analysis).map((fold) => ({
      startLine: lines.lineOf(fold.start),
      // The closing brace stays visible.
      endLine: lines.lineOf(fold.end) - (fold.kind === 'region' ? 1 : 0),
      ...(fold.kind === 'comment'
        ? { kind: FoldingRangeKind.Comment }
        : fold.kind === 'imports'
          ? { kind: FoldingRangeKind.Imports }
          : {}),
    }));
  });
  connection.onSelectionRanges(({ textDocument, positions }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const { lines } = found.analysis;
    return positions.map((position) => {
      const spans = selectionRanges(found.analysis, lines.offsetAt(position));
      const chain = spans.reduceRight<SelectionRange | undefined>(
        (parent, span) => ({ range: rangeOf(lines, span), ...(parent === undefined ? {} : { parent }) }),
        undefined,
      );
      return chain ?? { range: { start: position, end: position } };
    });
  });
  registerPainting(connection, find);
  registerLenses(connection, find, documents);
}

function registerPainting(connection: Connection, find: Find): void {
  connection.languages.semanticTokens.on(({ textDocument }) => {
    const found = find(textDocument.uri);
    const builder = new SemanticTokensBuilder();
    for (const token of found === undefined ? [] : semanticTokens(found.analysis)) {
      const start = found?.analysis.lines.positionAt(token.start);
      if (start === undefined) continue;
      const modifiers = token.modifiers.reduce(
        (bits, modifier) => bits | (1 << tokenModifiers.indexOf(modifier)),
        0,
      );
      builder.push(
        start.line,
        start.character,
        token.end - token.start,
        tokenTypes.indexOf(token.type),
        modifiers,
      );
    }
    return builder.build();
  });
  connection.languages.inlayHint.on(({ textDocument, range }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    const { lines } = found.analysis;
    return inlayHints(found.analysis, lines.offsetAt(range.start), lines.offsetAt(range.end)).map((hint) => ({
      position: lines.positionAt(hint.offset),
      label: hint.label,
      kind: InlayHintKind.Type,
    }));
  });
  connection.onDocumentLinks(({ textDocument }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    return links(found.analysis).flatMap((link) => {
      const target = linkTarget(textDocument.uri, link);
      return target === undefined ? [] : [{ range: rangeOf(found.analysis.lines, link), target }];
    });
  });
}

function registerLenses(connection: Connection, find: Find, documents: Documents): void {
  connection.onCodeLens(({ textDocument }) => {
    const found = find(textDocument.uri);
    if (found === undefined) return null;
    return lenses(found.analysis)
      .map((lens) => ({
        range: rangeOf(found.analysis.lines, lens),
        command: lensCommand(textDocument.uri, lens, documents.attachCounts),
      }))
      .filter(({ command }) => documents.commands.includes(command.command));
  });
}

function lensCommand(
  uri: string,
  lens: ReturnType<typeof lenses>[number],
  counts: ReadonlyMap<string, string>,
) {
  switch (lens.action) {
    case 'run':
      return { title: 'Run', command: 'probescope.runScript', arguments: [uri] };
    case 'run-10s':
      return { title: 'Run for 10 s', command: 'probescope.runScript', arguments: [uri, { seconds: 10 }] };
    case 'attach-count':
      return {
        title: counts.get(lens.attachPoint ?? '') ?? 'Show attach count',
        command: 'probescope.countAttachPoints',
        arguments: [uri, lens.attachPoint],
      };
  }
}

/** A file that exists, as a URI: next to the script, or below the system's include folders. */
function linkTarget(uri: string, link: Link): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  const folder = dirname(fileURLToPath(uri));
  const places =
    link.kind === 'system-include' ? ['/usr/include', '/usr/src/linux/include'] : [folder, '/usr/include'];
  const path = places.map((place) => resolve(place, link.target)).find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : pathToFileURL(path).href;
}
