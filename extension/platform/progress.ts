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
  const shown = new Set<Shown>();
  let said: string | undefined;
  const running = work(source.token, (message) => {
    said = message;
    for (const progress of shown) progress.report({ message });
  });
  const settled = running.then(
    () => undefined,
    () => undefined,
  );
  const show = async (progress: Shown, until: Promise<void>): Promise<void> => {
    shown.add(progress);
    if (said !== undefined) progress.report({ message: said });
    await until;
    shown.delete(progress);
  };
  void window.withProgress({ location: ProgressLocation.Window, title }, (progress) =>
    show(progress, settled),
  );

  /** Closes the message with the button, where there is one. */
  let close: (() => void) | undefined;
  let quietSinceMs = performance.now();
  const offerToCancel = (): void => {
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      (progress, cancelled) => {
        cancelled.onCancellationRequested(() => {
          shown.delete(progress);
          progress.report({ message: l10n.t('cancelling…') });
          source.cancel();
        });
        return show(progress, Promise.race([settled, closed]));
      },
    );
  };
  const timer = setInterval(() => {
    if (questions > 0) {
      // what is asked now comes after what was said
      if (said !== undefined) for (const progress of shown) progress.report({ message: '' });
      said = undefined;
      close?.();
      close = undefined;
      quietSinceMs = performance.now();
      return;
    }
    const patience = said === undefined ? PATIENCE_MS : TALKING_PATIENCE_MS;
    if (close === undefined && performance.now() - quietSinceMs >= patience) offerToCancel();
  }, LOOK_EVERY_MS);
  try {
    return await running;
  } finally {
    clearInterval(timer);
    source.dispose();
  }
}

type Shown = Progress<{ message?: string }>;
