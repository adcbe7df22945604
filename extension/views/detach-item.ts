import { l10n, StatusBarAlignment, ThemeColor, window, type Disposable, type StatusBarItem } from 'vscode';

/** What is attached now, by kind. */
export interface Attached {
  readonly probes: number;
  readonly logpoints: number;
}

/** *Detach everything*, in red, in the status bar: there while something is attached. */
export class DetachItem implements Disposable {
  readonly #item: StatusBarItem;
  readonly #attached: () => Attached;

  constructor(attached: () => Attached) {
    this.#attached = attached;
    // right of the session's state
    this.#item = window.createStatusBarItem('probescope.detach', StatusBarAlignment.Left, 9);
    this.#item.name = l10n.t('Probescope: Detach Everything');
    this.#item.text = `$(debug-disconnect) ${l10n.t('Detach Everything')}`;
    this.#item.command = 'probescope.detachEverything';
    this.#item.backgroundColor = new ThemeColor('statusBarItem.errorBackground');
    this.update();
  }

  update(): void {
    const { probes, logpoints } = this.#attached();
    if (probes + logpoints === 0) {
      this.#item.hide();
      return;
    }
    this.#item.tooltip = l10n.t(
      'Attached: {0} probes, {1} logpoints. Ends all of it at once, a helper that hangs included.',
      probes,
      logpoints,
    );
    this.#item.accessibilityInformation = {
      label: l10n.t('Detach everything: {0} probes and {1} logpoints are attached', probes, logpoints),
      role: 'button',
    };
    this.#item.show();
  }

  dispose(): void {
    this.#item.dispose();
  }
}
