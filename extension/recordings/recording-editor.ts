/** Opens `*.probescope` files: their probes stand in the tree and at their lines, labelled as recorded. */
import {
  commands,
  l10n,
  window,
  type CancellationToken,
  type CustomDocument,
  type CustomReadonlyEditorProvider,
  type Disposable,
  type Uri,
  type WebviewPanel,
} from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { RecordedProbe } from '../core/recording/replay.ts';
import { PROFILE_RUN } from '../core/profile-meta.ts';
import { SCRIPT_RUN } from '../core/scripts/recorder.ts';
import { figuresText } from '../editor/labels.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { ProbeList } from '../probes/probe-list.ts';
import { escapeHtml } from '../webviews/page.ts';
import type { ShownProfile } from '../webviews/shown-profile.ts';

export interface RecordingServices {
  readonly tracing: ProbeList;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
  readonly shown: ShownProfile;
}

interface OpenRecording extends CustomDocument {
  readonly origin: string;
  readonly notices: readonly string[];
  readonly meta: ReadonlyMap<string, string>;
  readonly probes: readonly RecordedProbe[];
  /** The first of its profiles: lines of code are marked with it while the recording is open. */
  readonly profile?: Profile;
}

export function registerRecordingEditor(services: RecordingServices): Disposable {
  return window.registerCustomEditorProvider('probescope.recording', new RecordingEditor(services));
}

class RecordingEditor implements CustomReadonlyEditorProvider<OpenRecording> {
  readonly #services: RecordingServices;

  constructor(services: RecordingServices) {
    this.#services = services;
  }

  async openCustomDocument(uri: Uri): Promise<OpenRecording> {
    const { tracing, show } = this.#services;
    try {
      // SQLite is loaded with the first recording: Node has it from 22.13 on only
      const [{ Recording }, { originOf, recordedProbes }] = await Promise.all([
        import('../core/recording/reader.ts'),
        import('../core/recording/replay.ts'),
      ]);
      const recording = new Recording(uri.fsPath);
      try {
        const meta = recording.meta();
        const origin = originOf(meta);
        // A script's run has a panel of its own, where its maps and its log are seen
        if (meta.get('kind') === SCRIPT_RUN) void commands.executeCommand('probescope.openRun', uri.fsPath);
        if (meta.get('kind') === PROFILE_RUN)
          void commands.executeCommand('probescope.openProfile', uri.fsPath);
        const probes = recordedProbes(recording);
        const places = await Promise.all(probes.map((probe) => this.#placeOf(probe)));
        tracing.showRecorded(
          probes.map((probe, index) => {
            const place = places[index];
            return { ...probe, origin, ...(place === undefined ? {} : { place }) };
          }),
        );
        return {
          ...{ uri, origin, meta, probes, notices: recording.notices(), dispose: () => undefined },
          ...(recording.profiles().length === 0 ? {} : { profile: recording.profile() }),
        };
      } finally {
        recording.close();
      }
    } catch (error) {
      void show(error);
      return {
        uri,
        origin: asProblem(error).message,
        meta: new Map(),
        probes: [],
        notices: [],
        dispose: () => undefined,
      };
    }
  }

  resolveCustomEditor(document: OpenRecording, panel: WebviewPanel, _token: CancellationToken): void {
    // plain text in VS Code's own colours: nothing to run, so nothing is allowed
    panel.webview.options = { enableScripts: false, localResourceRoots: [] };
    panel.webview.html = summary(document);
    this.#markLines(document, panel);
    const first = document.probes.find(({ spec }) => spec.subject.declared !== undefined)?.spec.subject
      .declared;
    if (first !== undefined) this.#services.files.open(first, true).catch(() => undefined);
  }

  #markLines({ uri, profile }: OpenRecording, panel: WebviewPanel): void {
    const { shown } = this.#services;
    if (profile === undefined) return;
    const view = { key: `recording ${uri.toString()}`, profile: () => profile };
    shown.show(view);
    panel.onDidChangeViewState(() => {
      if (panel.active) shown.show(view);
    });
    panel.onDidDispose(() => {
      shown.close(view.key);
    });
  }

  async #placeOf({ spec }: RecordedProbe) {
    const { declared } = spec.subject;
    if (declared === undefined) return undefined;
    const file = await this.#services.files.locate(declared.file);
    return file === undefined ? undefined : { ...declared, file };
  }
}

function summary({ origin, probes, notices, meta }: OpenRecording): string {
  const rows = probes.map(({ spec, totals }) => {
    const { subject } = spec;
    const name = subject.kind === 'function' ? subject.function : `${subject.provider}:${subject.name}`;
    const place = subject.declared === undefined ? '' : `${subject.declared.file}:${subject.declared.line}`;
    return `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(figuresText(totals))}</td><td>${totals.count}</td><td>${escapeHtml(place)}</td></tr>`;
  });
  const facts = [...meta].map(
    ([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>Recording</title></head>
<body>
<h1>${escapeHtml(l10n.t('A recording'))}</h1>
<p>${escapeHtml(l10n.t('These figures were {0}. Nothing is measured on this machine now.', origin))}</p>
${notices.map((notice) => `<p>${escapeHtml(notice)}</p>`).join('')}
<table><thead><tr><th>${escapeHtml(l10n.t('Probe'))}</th><th>${escapeHtml(l10n.t('Figures'))}</th><th>${escapeHtml(l10n.t('Calls'))}</th><th>${escapeHtml(l10n.t('Source'))}</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>
<h2>${escapeHtml(l10n.t('Where it comes from'))}</h2>
<table><tbody>${facts.join('')}</tbody></table>
</body></html>`;
}
