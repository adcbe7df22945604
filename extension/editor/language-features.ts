/** What the editor does with bpftrace scripts: the client that does it is loaded with the first of them. */
import {
  workspace,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type TextDocument,
} from 'vscode';
import type { Settings } from '../platform/settings.ts';
import type { HelperLink } from '../probes/helper-link.ts';
import type { TargetChoice } from '../targets/target-choice.ts';

export interface LanguageServices {
  readonly settings: Settings;
  readonly log: LogOutputChannel;
  readonly targets: Pick<TargetChoice, 'current' | 'onDidChange'>;
  readonly link: Pick<HelperLink, 'state' | 'connect' | 'onDidChangeState'>;
}

export interface LanguageFeatures extends Disposable {
  /** Shows how many probes an attach point matches in its code lens. */
  tellAttachCount(attachPoint: string, title: string): void;
}

/** Starts the language server when the first bpftrace script is opened. */
export function startLanguageClientOnDemand(
  context: ExtensionContext,
  services: LanguageServices,
): LanguageFeatures {
  let client: LanguageFeatures | undefined;
  let isWanted = false;
  let isDisposed = false;
  const consider = (document: TextDocument): void => {
    if (document.languageId !== 'bpftrace' || isWanted) return;
    isWanted = true;
    void import('./language-client.ts').then(({ startLanguageClient }) => {
      if (!isDisposed) client = startLanguageClient(context, services);
    });
  };
  const opened = workspace.onDidOpenTextDocument(consider);
  workspace.textDocuments.forEach(consider);
  return {
    tellAttachCount: (attachPoint, title) => {
      client?.tellAttachCount(attachPoint, title);
    },
    dispose: () => {
      isDisposed = true;
      opened.dispose();
      client?.dispose();
    },
  };
}
