/** The shown profile by its lines, held to open documents while they are edited. Marks, lenses, hover and list read it. */
import { stat } from 'node:fs/promises';
import {
  commands,
  EventEmitter,
  window,
  workspace,
  type Disposable,
  type Memento,
  type TextDocument,
  type TextDocumentChangeEvent,
} from 'vscode';
import { filesOf, HotLines, type HotFile } from '../../profile/hot-lines.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { ShownProfile } from '../webviews/shown-profile.ts';
import { LineTracker } from './line-tracker.ts';
import { likeliest } from './same-file.ts';
import type { Staleness } from './texts.ts';

/** A live profile grows all the time; what stands at the code follows this often. */
const REFRESH_MS = 1000;
const ENABLED = 'hotLines.enabled';

/** A document of which the shown profile has lines. */
export interface HotDocument {
  readonly file: HotFile;
  readonly stale: Staleness | undefined;
  /** Where a line of the profile (from 1) lies in the document now. */
  lineNow(line: number): number | undefined;
}

interface Tracked {
  tracker: LineTracker;
  savedEdited: boolean;
  age: Staleness | undefined;
}

export class HotLineSource implements Disposable {
  readonly #shown: ShownProfile;
  readonly #files: SourceFiles;
  readonly #memory: Memento;
  readonly #show: ShowProblem;
  readonly #changed = new EventEmitter<void>();
  readonly #disposables: Disposable[];
  readonly #documents = new Map<string, Tracked>();
  /** Files of the shown profile that were looked for and are nowhere here. */
  readonly #missing = new Set<string>();
  #hot: HotLines | undefined;
  #key: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readAtMs = 0;

  /** Fires when figures, documents or their age change. */
  readonly onDidChange = this.#changed.event;

  constructor(shown: ShownProfile, files: SourceFiles, memory: Memento, show: ShowProblem) {
    this.#shown = shown;
    this.#files = files;
    this.#memory = memory;
    this.#show = show;
    this.#disposables = [
      this.#changed,
      shown.onDidChange(() => {
        this.#schedule();
      }),
      window.onDidChangeVisibleTextEditors(() => void this.#track()),
      workspace.onDidChangeTextDocument((event) => {
        this.#edited(event);
      }),
      workspace.onDidSaveTextDocument((document) => void this.#saved(document)),
      workspace.onDidCloseTextDocument(({ uri }) => this.#documents.delete(uri.fsPath)),
    ];
    this.#schedule();
  }

  get enabled(): boolean {
    return this.#memory.get(ENABLED, true);
  }

  /** The shown profile, or undefined when there is none or its lines are not to be shown. */
  get hot(): HotLines | undefined {
    return this.#hot;
  }

  /** What the profile knows of a document that has been seen in an editor. */
  of(document: TextDocument): HotDocument | undefined {
    const tracked = this.#documents.get(document.uri.fsPath);
    const file = this.#hot?.files.get(document.uri.fsPath);
    if (tracked === undefined || file === undefined) return undefined;
    const { tracker, age } = tracked;
    return {
      file,
      stale: tracker.edited || document.isDirty ? 'edited' : age,
      lineNow: (line) => tracker.now(line),
    };
  }

  /** Where a line of the profile lies now that its document was edited; the same line where that is not known. */
  lineNow(path: string, line: number): number {
    return this.#documents.get(path)?.tracker.now(line) ?? line;
  }

  async enable(enabled: boolean): Promise<void> {
    await this.#memory.update(ENABLED, enabled);
    this.#key = undefined;
    this.#schedule();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #schedule(): void {
    const other = !this.enabled || this.#shown.current?.key !== this.#key;
    if (this.#timer !== undefined && !other) return;
    clearTimeout(this.#timer);
    const waitMs = other ? 0 : Math.max(0, this.#readAtMs + REFRESH_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#read().catch((error: unknown) => this.#show(error));
    }, waitMs);
  }

  async #read(): Promise<void> {
    this.#readAtMs = Date.now();
    const view = this.enabled ? this.#shown.current : undefined;
    // another profile may be of another build: where lines had moved to says nothing about it
    if (view?.key !== this.#key) {
      this.#documents.clear();
      this.#missing.clear();
    }
    this.#key = view?.key;
    const profile = view?.profile();
    const paths = profile && (await this.#pathsOf(profile));
    if (this.#key !== view?.key) return;
    this.#hot = profile && paths && new HotLines(profile, (spelled) => paths.get(spelled));
    void commands.executeCommand('setContext', 'probescope.hasHotLines', this.#hot !== undefined);
    this.#changed.fire();
    await this.#track();
  }

  async #pathsOf(profile: Profile): Promise<ReadonlyMap<string, string>> {
    const wanted = filesOf(profile).filter((spelled) => !this.#missing.has(spelled));
    const located = await this.#files.locateAll(wanted);
    for (const spelled of wanted) if (!located.has(spelled)) this.#missing.add(spelled);
    return likeliest(located);
  }

  /** Begins to follow the visible documents of which the profile has lines. */
  async #track(): Promise<void> {
    const hot = this.#hot;
    await Promise.all(
      window.visibleTextEditors.map(async ({ document }) => {
        const path = document.uri.fsPath;
        const file = document.uri.scheme === 'file' ? hot?.files.get(path) : undefined;
        if (file === undefined || this.#documents.has(path)) return;
        const tracker = new LineTracker(document.lineCount);
        this.#documents.set(path, { tracker, savedEdited: false, age: undefined });
        await this.#age(path, file);
      }),
    );
  }

  async #age(path: string, file: HotFile): Promise<void> {
    const age = await ageOf(path, file, this.#hot?.startedAtMs);
    const tracked = this.#documents.get(path);
    if (tracked === undefined) return;
    tracked.age = age;
    this.#changed.fire();
  }

  #edited({ document, contentChanges }: TextDocumentChangeEvent): void {
    const tracked = this.#documents.get(document.uri.fsPath);
    if (tracked === undefined) return;
    tracked.tracker.apply(contentChanges);
    // undone or reverted: the document is what it was
    if (!document.isDirty && !tracked.savedEdited) tracked.tracker = new LineTracker(document.lineCount);
    this.#changed.fire();
  }

  async #saved({ uri }: TextDocument): Promise<void> {
    const tracked = this.#documents.get(uri.fsPath);
    const file = this.#hot?.files.get(uri.fsPath);
    if (tracked === undefined || file === undefined) return;
    tracked.savedEdited ||= tracked.tracker.edited;
    await this.#age(uri.fsPath, file);
  }
}

/** Whether the file was written after the binaries that hold its code, or after the profile was begun. */
async function ageOf(
  path: string,
  { modules }: HotFile,
  startedAtMs: number | undefined,
): Promise<Staleness | undefined> {
  const written = await writtenAtMs(path);
  if (written === undefined) return undefined;
  const built = await Promise.all([...modules].filter((module) => module.startsWith('/')).map(writtenAtMs));
  if (built.some((each) => each !== undefined && written > each)) return 'newer-than-binary';
  return startedAtMs !== undefined && written > startedAtMs ? 'newer-than-profile' : undefined;
}

/** A file that cannot be looked at (gone, or on another host) makes nothing stale. */
async function writtenAtMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}
