import { CancellationTokenSource, l10n, ProgressLocation, window, type CancellationToken } from 'vscode';

/** Work that takes longer than this gets a message with a button that cancels it. */
const PATIENCE_MS = 2000;

let questions = 0;

/** Waits for the user: that takes as long as it takes, and no progress is reported meanwhile. */
export async function asking<T>(question: PromiseLike<T>): Promise<T> {
  questions++;
  try {
    return await question;
  } finally {
    questions--;
  }
}

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
  const timer = setInterval(() => {
    if (questions > 0) return;
    clearInterval(timer);
    offerToCancel(title, source, settled);
  }, PATIENCE_MS);
  try {
    return await running;
  } finally {
    clearInterval(timer);
    source.dispose();
  }
}

function offerToCancel(title: string, source: CancellationTokenSource, settled: Promise<void>): void {
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
}
