/** The client of the bpftrace language server: starts it, tells it what decides about errors, restarts it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { l10n, window, workspace, type Disposable, type ExtensionContext } from 'vscode';
import {
  LanguageClient,
  TransportKind,
  CloseAction,
  ErrorAction,
  type ErrorHandler,
} from 'vscode-languageclient/node';
import { asProblem } from '../../protocol/errors.ts';
import type { LanguageFeatures, LanguageServices } from './language-features.ts';

/** The server is started again so often in one session; then it stays down, and the user is told. */
export const mostRestarts = 5;

/** Restarts after a crash without a word, says so in the log, and gives up with a message after the fifth. */
export class RestartPolicy implements ErrorHandler {
  private restarts = 0;
  private readonly gaveUp: () => void;
  private readonly log: (line: string) => void;

  constructor(log: (line: string) => void, gaveUp: () => void) {
    this.log = log;
    this.gaveUp = gaveUp;
  }

  error(): { action: ErrorAction; handled: boolean } {
    return { action: ErrorAction.Continue, handled: true };
  }

  closed(): { action: CloseAction; handled: boolean } {
    if (this.restarts >= mostRestarts) {
      this.gaveUp();
      return { action: CloseAction.DoNotRestart, handled: true };
    }
    this.restarts++;
    this.log(
      `The bpftrace language server ended and is started again (${this.restarts} of ${mostRestarts}).`,
    );
    return { action: CloseAction.Restart, handled: true };
  }
}

/** Starts the server; the features end with what is returned. */
export function startLanguageClient(context: ExtensionContext, services: LanguageServices): LanguageFeatures {
  const { log, settings, link, targets } = services;
  const known = new TargetKnowledge(services);
  const client = newClient(context, services, known);
  client.onRequest('probescope/catalog', () => catalogFile(context, services));
  const tell = (): void => {
    if (client.isRunning()) void client.sendNotification('probescope/target', known.params());
  };
  const learn = (): void => {
    void known.learn().then((changed) => {
      if (!changed) return;
      tell();
      if (client.isRunning()) void client.sendNotification('probescope/catalogChanged', {});
    });
  };
  const parts: Disposable[] = [
    settings.onDidChange(tell),
    targets.onDidChange(learn),
    link.onDidChangeState(learn),
    askOnSave(client, services),
  ];
  client.start().then(learn, (error: unknown) => {
    log.error(`The bpftrace language server did not start: ${asProblem(error).message}`);
  });
  return {
    tellAttachCount: (attachPoint, title) => {
      if (client.isRunning()) void client.sendNotification('probescope/attachCount', { attachPoint, title });
    },
    dispose: () => {
      for (const part of parts) part.dispose();
      void client.dispose().catch(() => undefined);
    },
  };
}

function newClient(
  context: ExtensionContext,
  { log }: LanguageServices,
  known: TargetKnowledge,
): LanguageClient {
  const module = context.asAbsolutePath('dist/server.js');
  const policy = new RestartPolicy(
    (line) => {
      log.warn(line);
    },
    () => {
      const message = l10n.t(
        'The bpftrace language server ended {0} times and is not started again. Scripts are not checked until the window is reloaded.',
        mostRestarts + 1,
      );
      void window.showErrorMessage(message);
      log.error(message);
    },
  );
  return new LanguageClient(
    'probescope.bpftrace',
    'Probescope: bpftrace',
    { run: { module, transport: TransportKind.ipc }, debug: { module, transport: TransportKind.ipc } },
    {
      documentSelector: [{ language: 'bpftrace' }],
      outputChannel: log,
      errorHandler: policy,
      initializationOptions: {
        ...known.params(),
        commands: ['probescope.runScript', 'probescope.countAttachPoints'],
      },
    },
  );
}

/** What is known of the target's bpftrace; asked of a helper that runs, and on this machine started for it. */
class TargetKnowledge {
  private readonly services: LanguageServices;
  private version: string | undefined;

  constructor(services: LanguageServices) {
    this.services = services;
  }

  params() {
    const { settings } = this.services;
    const chosen = settings.get('bpftrace.version');
    return {
      ...(this.version === undefined ? {} : { bpftraceVersion: this.version }),
      ...(chosen === '' ? {} : { chosenVersion: chosen }),
      unsafe: settings.get('bpftrace.unsafe'),
    };
  }

  /** True when something else is known now. */
  async learn(): Promise<boolean> {
    const before = this.version;
    this.version = await this.ask().catch((error: unknown) => {
      this.services.log.debug(`The target's bpftrace is not known: ${asProblem(error).message}`);
      return undefined;
    });
    return before !== this.version;
  }

  private async ask(): Promise<string | undefined> {
    if (!mayAsk(this.services)) return undefined;
    const connection = await this.services.link.connect();
    return (await connection.call('targetFacts', { refresh: false })).bpftrace.version;
  }
}

/** Reading a script is no reason to connect to another host, and an untrusted workspace none to start anything. */
function mayAsk({ link, targets }: LanguageServices): boolean {
  return (
    workspace.isTrusted && (link.state === 'on' || (targets.current.kind === 'local' && link.state === 'off'))
  );
}

/** The target's catalog in a file of this window's storage, or null when there is none to have. */
async function catalogFile(
  context: ExtensionContext,
  services: LanguageServices,
): Promise<{ file: string } | null> {
  if (!mayAsk(services)) return null;
  try {
    const { catalog } = await (await services.link.connect()).call('catalog', {});
    const folder = (context.storageUri ?? context.globalStorageUri).fsPath;
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'catalog.json');
    await writeFile(file, JSON.stringify(catalog));
    return { file };
  } catch (error) {
    services.log.debug(`Scripts are checked without the target's catalog: ${asProblem(error).message}`);
    return null;
  }
}

/** After a save, asks the target's own bpftrace in a trusted workspace; without helper or privileges it stays silent. */
function askOnSave(client: LanguageClient, services: LanguageServices): Disposable {
  return workspace.onDidSaveTextDocument(async (document) => {
    const { link, log, settings } = services;
    if (document.languageId !== 'bpftrace' || !mayAsk(services) || !client.isRunning()) return;
    const { version } = document;
    try {
      const connection = await link.connect();
      const params = { script: document.getText(), unsafe: settings.get('bpftrace.unsafe') };
      const verdict = await connection.call('checkScript', params);
      if (verdict.silent !== undefined) log.debug(verdict.silent);
      // What was said of an older text would stand at wrong places.
      if (document.version !== version || document.isClosed) return;
      const uri = client.code2ProtocolConverter.asUri(document.uri);
      await client.sendNotification('probescope/verdict', {
        uri,
        source: verdict.source,
        diagnostics: verdict.remarks,
      });
    } catch (error) {
      log.debug(`The target was not asked about the script: ${asProblem(error).message}`);
    }
  });
}
