/** What a run's bpftrace remarked, in the editor: until the script changes or runs again. */
import {
  Diagnostic,
  DiagnosticSeverity,
  languages,
  Range,
  workspace,
  type Disposable,
  type Uri,
} from 'vscode';
import type { ScriptEnd } from '../../protocol/script.ts';

/** True when another checker marks an error on the same line already. */
function isSaid(uri: Uri, { line, endLine, severity }: ScriptEnd['remarks'][number]): boolean {
  return (
    severity === 'error' &&
    languages
      .getDiagnostics(uri)
      .some(
        (other) =>
          other.severity === DiagnosticSeverity.Error &&
          other.range.start.line <= endLine &&
          line <= other.range.end.line,
      )
  );
}

export class RunDiagnostics implements Disposable {
  readonly #collection = languages.createDiagnosticCollection('probescope.run');
  readonly #listener = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length > 0) this.#collection.delete(document.uri);
  });

  forget(uri: Uri): void {
    this.#collection.delete(uri);
  }

  show(uri: Uri, end: ScriptEnd, engine: string): void {
    this.#collection.set(
      uri,
      end.remarks
        .filter((remark) => !isSaid(uri, remark))
        .map(({ line, character, endLine, endCharacter, severity, message, hint }) => {
          const diagnostic = new Diagnostic(
            new Range(line, character, endLine, Math.max(endCharacter, line === endLine ? character + 1 : 0)),
            hint === undefined ? message : `${message}\n${hint}`,
            severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
          );
          diagnostic.source = `${engine === '' ? 'bpftrace' : engine} (run)`;
          return diagnostic;
        }),
    );
  }

  dispose(): void {
    this.#collection.dispose();
    this.#listener.dispose();
  }
}
