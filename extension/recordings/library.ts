/** The recordings that the view lists: those of the workspace and those of the extension's own storage. */
import type { Uri } from 'vscode';
import {
  EventEmitter,
  RelativePattern,
  workspace,
  type Disposable,
  type FileSystemWatcher,
  type LogOutputChannel,
} from 'vscode';
import type { RecordingSummary } from '../core/recording/summary.ts';
import { asProblem } from '../../protocol/errors.ts';
import type { NewRecordings } from './new-recordings.ts';

/** Files come and go in bursts. */
const SETTLE_MS = 300;
const MOST_OF_WORKSPACE = 1000;
/** Reading one takes about a millisecond: after so long the editor's other work has its turn. */
const TURN_MS = 10;

export class RecordingLibrary implements Disposable {
  readonly #recordings: NewRecordings;
  readonly #log: LogOutputChannel;
  readonly #changed = new EventEmitter<void>();
  /** Files came, went or changed; {@link list} tells what there is now. */
  readonly onDidChange = this.#changed.event;
  readonly #owned: Disposable[];
  readonly #known = new Map<string, { readonly stamp: string; readonly summary: RecordingSummary }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(recordings: NewRecordings, root: Uri, log: LogOutputChannel) {
    this.#recordings = recordings;
    this.#log = log;
    const watch = (watcher: FileSystemWatcher): FileSystemWatcher => {
      for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete])
        event(() => this.changed());
      return watcher;
    };
    this.#owned = [
      watch(workspace.createFileSystemWatcher('**/*.probescope')),
      watch(workspace.createFileSystemWatcher(new RelativePattern(root, '**/*.probescope'))),
      workspace.onDidChangeWorkspaceFolders(() => this.changed()),
      recordings.onDidChange(() => this.changed()),
      this.#changed,
    ];
  }

  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire();
    }, SETTLE_MS);
  }

  /** The newest first. */
  async list(): Promise<RecordingSummary[]> {
    const [storage, { summarise, sizeOf }, found] = await Promise.all([
      this.#recordings.storage(),
      import('../core/recording/summary.ts'),
      workspace.findFiles('**/*.probescope', '**/node_modules/**', MOST_OF_WORKSPACE),
    ]);
    const paths = [...new Set([...storage.paths(), ...found.map(({ fsPath }) => fsPath)])];
    const listed: RecordingSummary[] = [];
    let turn = performance.now();
    for (const path of paths) {
      const { bytes, changedMs } = sizeOf(path);
      const stamp = `${bytes} ${changedMs}`;
      let known = this.#known.get(path);
      // one that was being written may have fallen silent since, without a change
      if (known?.stamp !== stamp || known.summary.facts?.state === 'writing') {
        known = { stamp, summary: summarise(path) };
        this.#known.set(path, known);
        const { problem } = known.summary;
        if (problem !== undefined) this.#log.warn(asProblem(problem).message);
      }
      listed.push(known.summary);
      if (performance.now() - turn > TURN_MS) {
        await new Promise((done) => setImmediate(done));
        turn = performance.now();
      }
    }
    for (const path of this.#known.keys()) if (!paths.includes(path)) this.#known.delete(path);
    return listed.sort((a, b) => whenOf(b) - whenOf(a));
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const thing of this.#owned) thing.dispose();
  }
}

export function whenOf({ facts, changedMs }: RecordingSummary): number {
  return facts?.createdMs ?? changedMs;
}
