import {
  CancellationTokenSource,
  l10n,
  ProgressLocation,
  window,
  type CancellationToken,
  type Progress,
} from 'vscode';

/** Work that takes longer than this gets a message with a button that cancels it. */
const PATIENCE_MS = 2000;
/** The same for work that tells how far it is. */
const TALKING_PATIENCE_MS = 500;
const LOOK_EVERY_MS = 100;

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

/** Says what is being done now, in a few words: replaces what was said before. */
export type Report = (message: string) => void;

/**
 * Runs `work` with a quiet sign in the status bar, and with one that can be cancelled when it takes long, or somewhat long
 * and `work` has something to say of it.
 */
export async function withProgress<T>(
  title: string,
  work: (token: CancellationToken, report: Report) => Promise<T>,
): Promise<T> {
  const source = new CancellationTokenSource();
  const startedMs = performance.now();
  const shown: Progress<{ message?: string }>[] = [];
  let said: string | undefined;
  const running = work(source.token, (message) => {
    said = message;
    for (const progress of shown) progress.report({ message });
  });
  const settled = running.then(
    () => undefined,
    () => undefined,
  );
  const show = (progress: Progress<{ message?: string }>): Promise<void> => {
    shown.push(progress);
    if (said !== undefined) progress.report({ message: said });
    return settled;
  };
  void window.withProgress({ location: ProgressLocation.Window, title }, show);
  const timer = setInterval(() => {
    const patience = said === undefined ? PATIENCE_MS : TALKING_PATIENCE_MS;
    if (questions > 0 || performance.now() - startedMs < patience) return;
    clearInterval(timer);
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      (progress, cancelled) => {
        cancelled.onCancellationRequested(() => {
          shown.length = 0;
          progress.report({ message: l10n.t('cancelling…') });
          source.cancel();
        });
        return show(progress);
      },
    );
  }, LOOK_EVERY_MS);
  try {
    return await running;
  } finally {
    clearInterval(timer);
    source.dispose();
  }
}
