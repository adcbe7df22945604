/** The bpftrace language server: connects editors with the pure functions of `language/`. */
import {
  CodeLensRefreshRequest,
  createConnection,
  DiagnosticSeverity,
  ProposedFeatures,
  TextDocuments,
  TextDocumentSyncKind,
  type Diagnostic,
  type InitializeResult,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { readCatalogFile } from './catalog-reader.ts';
import { codeOf, diagnosticOf } from './convert.ts';
import { Documents } from './documents.ts';
import { registerFeatures } from './features.ts';
import { tokenModifiers, tokenTypes } from './language/features/semantic-tokens.ts';
import {
  attachCountNotification,
  catalogChangedNotification,
  catalogRequest,
  targetNotification,
  targetVerdict,
  verdictNotification,
  type TargetParams,
} from './protocol.ts';

const connection = createConnection(ProposedFeatures.all);
const open = new TextDocuments(TextDocument);
const documents = new Documents();

connection.onInitialize(({ initializationOptions }): InitializeResult => {
  const options: unknown = initializationOptions;
  if (typeof options === 'object' && options !== null && 'unsafe' in options) {
    documents.setTarget(options as TargetParams);
    if ('commands' in options && Array.isArray(options.commands))
      documents.commands = options.commands as string[];
  }
  return {
    serverInfo: { name: 'probescope-bpftrace' },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      completionProvider: { triggerCharacters: [':', '.', '>', '@', '$', '*'] },
      hoverProvider: true,
      signatureHelpProvider: { triggerCharacters: ['(', ','] },
      definitionProvider: true,
      referencesProvider: true,
      documentHighlightProvider: true,
      renameProvider: { prepareProvider: true },
      documentSymbolProvider: true,
      workspaceSymbolProvider: true,
      foldingRangeProvider: true,
      selectionRangeProvider: true,
      documentFormattingProvider: true,
      documentRangeFormattingProvider: true,
      documentOnTypeFormattingProvider: { firstTriggerCharacter: '}', moreTriggerCharacter: [';', '\n'] },
      codeActionProvider: { codeActionKinds: ['quickfix', 'refactor.rewrite'] },
      inlayHintProvider: true,
      codeLensProvider: {},
      documentLinkProvider: {},
      semanticTokensProvider: {
        legend: { tokenTypes: [...tokenTypes], tokenModifiers: [...tokenModifiers] },
        full: true,
      },
    },
  };
});

open.onDidChangeContent(({ document }) => {
  documents.forgetVerdict(document.uri);
  publish(document);
});
open.onDidClose(({ document }) => {
  documents.close(document.uri);
  void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
});

connection.onNotification(targetNotification, (target) => {
  documents.attachCounts.clear();
  documents.setTarget(target);
  publishAll();
});
connection.onNotification(verdictNotification, (verdict) => {
  documents.setVerdict(verdict);
  const document = open.get(verdict.uri);
  if (document !== undefined) publish(document);
});
connection.onNotification(attachCountNotification, ({ attachPoint, title }) => {
  documents.attachCounts.set(attachPoint, title);
  void connection.sendRequest(CodeLensRefreshRequest.type).catch(() => undefined);
});
connection.onNotification(catalogChangedNotification, () => {
  void loadCatalog();
});
connection.onInitialized(() => {
  void loadCatalog();
});

/** Asks for the catalog's file and reads it; one that cannot be read is said once, and scripts are checked without it. */
async function loadCatalog(): Promise<void> {
  const answer = await connection.sendRequest(catalogRequest).catch(() => null);
  if (answer === null) {
    documents.setCatalog(undefined);
  } else {
    const result = await readCatalogFile(answer.file);
    if ('refusal' in result) connection.console.warn(result.refusal);
    documents.setCatalog('catalog' in result ? result.catalog : undefined);
  }
  publishAll();
}

function publishAll(): void {
  for (const document of open.all()) publish(document);
  void connection.languages.inlayHint.refresh().catch(() => undefined);
}

function publish(document: TextDocument): void {
  const { uri, version } = document;
  const analysis = documents.analysisOf(document);
  const diagnostics = analysis.diagnostics.map((diagnostic) => diagnosticOf(uri, analysis, diagnostic));
  diagnostics.push(...verdictDiagnostics(uri, diagnostics));
  void connection.sendDiagnostics({ uri, version, diagnostics });
}

/** What the target's bpftrace said, except where an error of ours stands on the same line already. */
function verdictDiagnostics(uri: string, ours: readonly Diagnostic[]): Diagnostic[] {
  const verdict = documents.verdictOf(uri);
  if (verdict === undefined) return [];
  return verdict.diagnostics
    .filter(
      (one) =>
        !ours.some(
          ({ range, severity }) =>
            severity === DiagnosticSeverity.Error &&
            range.start.line <= one.endLine &&
            one.line <= range.end.line,
        ),
    )
    .map((one) => ({
      range: {
        start: { line: one.line, character: one.character },
        end: { line: one.endLine, character: one.endCharacter },
      },
      severity: one.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
      ...codeOf(targetVerdict),
      source: verdict.source,
      message: one.hint === undefined ? one.message : `${one.message}\n${one.hint}`,
    }));
}

registerFeatures(connection, open, documents);
open.listen(connection);
connection.listen();
