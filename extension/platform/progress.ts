import { CancellationTokenSource, l10n, ProgressLocation, window, type CancellationToken } from 'vscode';

/** Work that takes longer than this gets a message with a button that cancels it. */
const PATIENCE_MS = 2000;

/** Runs `work` with a quiet sign in the status bar, and with one that can be cancelled when it takes long. */
export async function withProgress<T>(
  title: string,
  work: (token: CancellationToken) => Promise<T>,
): Promise<T> {
  const source = new CancellationTokenSource();
  const running = work(source.token);
  const settled = running.then(
    () => undefined,
    () => undefined,
  );
  void window.withProgress({ location: ProgressLocation.Window, title }, () => settled);
  const timer = setTimeout(() => {
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      async (progress, cancelled) => {
        cancelled.onCancellationRequested(() => {
          progress.report({ message: l10n.t('cancelling…') });
          source.cancel();
        });
        await settled;
      },
    );
  }, PATIENCE_MS);
  try {
    return await running;
  } finally {
    clearTimeout(timer);
    source.dispose();
  }
}
