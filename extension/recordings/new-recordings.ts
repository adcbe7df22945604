/** Recordings that the editor makes: in its own storage, bounded in size, and what is kept of the old ones. */
import { EventEmitter, l10n, type Disposable, type LogOutputChannel } from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import type { RecordingStorage } from '../core/recording/storage.ts';
import type { RecordingKind } from '../core/recording/summary.ts';
import { TraceRecorder } from '../core/recording/trace-recorder.ts';
import type { RecordingMeta, RecordingWriter } from '../core/recording/writer.ts';
import type { SessionDescription, SessionId } from '../../protocol/snapshot.ts';
import type { Settings } from '../platform/settings.ts';

/** Old recordings are looked for so long after one has ended: not while figures are awaited. */
const RETIRE_AFTER_MS = 5000;

export interface NewRecordingServices {
  /** The folder; SQLite is loaded with the first recording, and the storage's code with it. */
  readonly root: string;
  readonly settings: Settings;
  readonly log: LogOutputChannel;
  /** How a session is measured; rejects when it has ended. */
  readonly describe: (session: SessionId) => Promise<SessionDescription>;
  /** The folder whose commit the recordings name. */
  readonly sources: () => string | undefined;
  /** Something that people must know: a recording has reached its bound. */
  readonly tell: (message: string) => void;
}

export class NewRecordings implements Disposable {
  readonly #services: NewRecordingServices;
  readonly #changed = new EventEmitter<void>();
  /** A recording has begun, has ended, or old ones were removed. */
  readonly onDidChange = this.#changed.event;
  /** Records what probes measure, when the setting says so. */
  readonly traces: TraceRecorder;
  #storage: Promise<RecordingStorage> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(services: NewRecordingServices) {
    this.#services = services;
    const { settings, log, tell } = services;
    this.traces = new TraceRecorder({
      open: async (meta) => {
        if (!settings.get('recordings.recordTraces')) return undefined;
        return this.open('trace', String(meta['title']), meta, tell);
      },
      onProblem: (thrown) => {
        log.warn(`What the probes measure is not recorded: ${asProblem(thrown).message}`);
      },
      onEnded: () => {
        this.ended();
      },
      describe: async (session, writer) => {
        const { addDescription } = await import('../core/recording/circumstances.ts');
        const described = await services.describe(session).catch((error: unknown) => {
          log.debug(`A recording lacks its description: ${asProblem(error).message}`);
          return undefined;
        });
        if (described !== undefined && !writer.ended) addDescription(writer, described);
      },
    });
  }

  /** The folder whose commit recordings name. */
  get sources(): string | undefined {
    return this.#services.sources();
  }

  storage(): Promise<RecordingStorage> {
    this.#storage ??= import('../core/recording/storage.ts').then(
      ({ RecordingStorage }) => new RecordingStorage(this.#services.root),
    );
    return this.#storage;
  }

  /** A new recording, bounded as the settings say; `onStop` hears when it has reached its bound. Throws ProbeError. */
  async open(
    kind: RecordingKind,
    title: string,
    meta: RecordingMeta,
    onStop: (reason: string) => void,
  ): Promise<RecordingWriter> {
    const { settings, log } = this.#services;
    const { RecordingWriter } = await import('../core/recording/writer.ts');
    const path = (await this.storage()).newPath(kind, title);
    const writer = new RecordingWriter(path, meta, {
      maxBytes: settings.get('recordings.maxMegabytes') * 1e6,
      onStop: (reason, cause) => {
        const text =
          cause === 'bound' ? l10n.t('{0} The bound is probescope.recordings.maxMegabytes.', reason) : reason;
        log.warn(`${path}: ${text}`);
        onStop(text);
        this.#changed.fire();
      },
    });
    log.info(`Recording in ${path}.`);
    void this.#addCommit(writer);
    this.#changed.fire();
    return writer;
  }

  async #addCommit(writer: RecordingWriter): Promise<void> {
    const folder = this.sources;
    if (folder === undefined) return;
    const { gitMeta } = await import('../core/recording/circumstances.ts');
    const meta = await gitMeta(folder);
    // it may have ended meanwhile
    if (!writer.ended) writer.setMeta(meta);
  }

  /** A recording has ended: it is listed as it is now, and old ones make room. */
  ended(): void {
    this.#changed.fire();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.retire();
    }, RETIRE_AFTER_MS);
  }

  /** Removes what is kept no longer, and says so in the log. */
  async retire(): Promise<void> {
    const { settings, log } = this.#services;
    try {
      const told = (await this.storage()).retire({
        days: settings.get('recordings.keepDays'),
        megabytes: settings.get('recordings.keepMegabytes'),
      });
      for (const line of told) log.info(line);
      if (told.length > 0) this.#changed.fire();
    } catch (error) {
      log.warn(`Old recordings were not removed: ${asProblem(error).message}`);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.traces.end();
    this.#changed.dispose();
  }
}
