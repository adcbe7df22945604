import {
  l10n,
  MarkdownString,
  StatusBarAlignment,
  window,
  type Disposable,
  type StatusBarItem,
} from 'vscode';
import { statusText } from '../editor/labels.ts';
import type { ProbeSource } from '../probes/probe-view.ts';

/** What the session is doing, beyond what single probes say. */
export interface SessionStatus {
  readonly helper: 'off' | 'starting' | 'on' | 'lost' | 'failed';
  readonly enginePid?: number;
}

const REFRESH_MS = 500;

/** The session's state and the measured event rate, in the status bar; absent while there is no probe. */
export class StatusItem implements Disposable {
  readonly #item: StatusBarItem;
  readonly #probes: ProbeSource;
  readonly #status: () => SessionStatus;
  readonly #listener: Disposable;
  #timer: NodeJS.Timeout | undefined;

  constructor(probes: ProbeSource, status: () => SessionStatus) {
    this.#probes = probes;
    this.#status = status;
    this.#item = window.createStatusBarItem('probescope.status', StatusBarAlignment.Left, 10);
    this.#item.name = 'Probescope';
    this.#item.command = 'probescope.probes.focus';
    this.#listener = probes.onDidChange((keys) => {
      if (keys.length === 0) this.#show();
      else this.#timer ??= setTimeout(() => this.#show(), REFRESH_MS);
    });
    this.#show();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listener.dispose();
    this.#item.dispose();
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { probes } = this.#probes;
    if (probes.length === 0) {
      this.#item.hide();
      return;
    }
    const running = probes.filter(({ state }) => state === 'running');
    const starting = probes.some(({ state }) => state === 'starting');
    const ended = probes.filter(({ state }) => state === 'ended').length;
    const rates = running.flatMap(({ figures }) => figures?.rateHz ?? []);
    const rateHz = rates.length === 0 ? undefined : rates.reduce((sum, rate) => sum + rate, 0);
    const icon = starting
      ? '$(loading~spin)'
      : ended > 0
        ? '$(error)'
        : running.length > 0
          ? '$(pulse)'
          : '$(debug-pause)';
    const text = starting
      ? l10n.t('attaching…')
      : ended > 0 && running.length === 0
        ? l10n.t('{0} stopped', ended)
        : statusText(running.length, probes.length - running.length, rateHz);
    this.#item.text = `${icon} ${text}`;
    this.#item.tooltip = this.#tooltip(running.length, probes.length);
    this.#item.show();
  }

  #tooltip(running: number, all: number): MarkdownString {
    const { helper, enginePid } = this.#status();
    const tip = new MarkdownString(l10n.t('**Probescope**: {0} of {1} probes are measuring.', running, all));
    tip.appendMarkdown(
      enginePid === undefined
        ? `\n\n${helper === 'on' ? l10n.t('No bpftrace is running.') : l10n.t('No helper and no bpftrace is running.')}`
        : `\n\n${l10n.t('One bpftrace serves them: process {0}.', enginePid)}`,
    );
    return tip;
  }
}
