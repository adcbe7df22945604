import {
  CodeLens,
  EventEmitter,
  Range,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
} from 'vscode';
import type { Settings } from '../platform/settings.ts';
import { lensText } from './labels.ts';
import { RefreshPace } from './refresh-pace.ts';
import type { ProbeSource } from '../probes/probe-view.ts';

/** VS Code asks every provider of a document again on each change: once a second is enough for a line above the code. */
const REFRESH_MS = 1000;

/** `p50 · p99 · n` above each traced function; a click opens its panel. */
export class ProbeLenses implements CodeLensProvider, Disposable {
  readonly #changed = new EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #probes: ProbeSource;
  readonly #settings: Settings;
  readonly #disposables: Disposable[];
  readonly #pace = new RefreshPace(() => {
    this.#changed.fire();
  }, REFRESH_MS);

  constructor(probes: ProbeSource, settings: Settings) {
    this.#probes = probes;
    this.#settings = settings;
    this.#disposables = [
      probes.onDidChange((keys) => {
        if (keys.length === 0) this.#pace.changedNow();
        else this.#pace.changed();
      }),
      settings.onDidChange(() => {
        this.#pace.changedNow();
      }),
    ];
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    this.#pace.asked();
    if (!this.#settings.get('codeLens.enabled')) return [];
    const file = document.uri.fsPath;
    return this.#probes.probes.flatMap((probe) => {
      const { key, title, kind, place, state, figures, measures, origin, moment } = probe;
      if (place?.file !== file || place.line > document.lineCount) return [];
      const text = lensText(state, figures, origin, moment);
      const command = measures.includes('latency')
        ? { command: 'probescope.openLatency', tooltip: 'Open the latency panel' }
        : measures.includes('callers')
          ? { command: 'probescope.openFlameGraph', tooltip: 'Open the flame graph of callers' }
          : { command: 'probescope.focusProbe', tooltip: 'Show the probe in the Probes view' };
      return new CodeLens(new Range(place.line - 1, 0, place.line - 1, 0), {
        ...command,
        title: kind === 'usdt' ? `${title}: ${text}` : text,
        arguments: [key],
      });
    });
  }

  dispose(): void {
    this.#pace.dispose();
    this.#changed.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
