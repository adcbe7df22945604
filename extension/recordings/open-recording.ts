/** A recording that is open in the editor: what it holds, and the moment of it that the code shows. */
import { commands, EventEmitter, l10n, type CustomDocument, type Uri } from 'vscode';
import { formatPosition } from '../../protocol/format.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { MomentFigures, RecordingPicture, ShownRange } from '../../protocol/recording-panel.ts';
import type { ProbeTotals } from '../../protocol/snapshot.ts';
import { PROFILE_RUN } from '../core/profile-meta.ts';
import type { Recording } from '../core/recording/reader.ts';
import type { RecordedCallers } from '../core/recording/recorded-callers.ts';
import type { Replayed, ReplayedProbes } from '../core/recording/replayed.ts';
import type { Lane } from '../core/recording/timeline.ts';
import type { RecordedMoment } from '../core/recorded-probe.ts';
import { EVENTS_RUN } from '../core/recording/event-recorder.ts';
import { SCRIPT_RUN } from '../core/scripts/recorder.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { ProbeList } from '../probes/probe-list.ts';

export interface RecordingServices {
  readonly tracing: ProbeList;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
}

/** Reading an older recording's latencies goes on in the background; small ones are through by then. */
const FIRST_VIEW_WAITS_MS = 200;
/** Stacks that take longer than this to add up are added up when the scrubber rests. */
const QUICK_MS = 20;
const REST_MS = 250;

/** What is read from the file anew by *Read Again*. */
interface Loaded {
  readonly recording: Recording;
  readonly meta: ReadonlyMap<string, string>;
  readonly probes: ReplayedProbes;
  readonly callers: RecordedCallers;
  readonly reading: AbortController;
  picture: RecordingPicture;
  replayed: Replayed;
}

export class OpenRecording implements CustomDocument {
  readonly uri: Uri;
  readonly #services: RecordingServices;
  readonly #changed = new EventEmitter<void>();
  /** The picture is another: a profile's samples were read, or the file was read again. */
  readonly onDidChange = this.#changed.event;
  readonly #figuresChanged = new EventEmitter<void>();
  /** Percentiles are known that were not. */
  readonly onDidReadFigures = this.#figuresChanged.event;
  #loaded: Loaded | undefined;
  #range: ShownRange | undefined;
  #profile: Profile | undefined;
  #callersMs = 0;
  #rest: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(uri: Uri, services: RecordingServices) {
    this.uri = uri;
    this.#services = services;
  }

  /** Undefined when it could not be opened. */
  get picture(): RecordingPicture | undefined {
    return this.#loaded?.picture;
  }

  get lanes(): readonly Lane[] {
    return this.#loaded?.probes.timeline.lanes ?? [];
  }

  /** It has flame graphs: lines of code can be marked with the first. */
  get hasProfile(): boolean {
    return (this.#loaded?.recording.profiles().length ?? 0) > 0;
  }

  /** The first of its profiles; read when it is asked for. */
  profile(): Profile | undefined {
    if (this.#profile === undefined && this.hasProfile) this.#profile = this.#loaded?.recording.profile();
    return this.#profile;
  }

  /** Names a lane's probe in the tree, the editor and the panels. */
  keyOf(lane: Lane): string {
    return `recording ${this.uri.fsPath} ${lane.name}`;
  }

  /** Opens the file; again, when it has grown. Throws ProbeError. */
  async load(): Promise<void> {
    // SQLite is loaded with the first recording: Node has it from 22.13 on only
    const [{ Recording }, { firstView }, { RecordedCallers }] = await Promise.all([
      import('../core/recording/reader.ts'),
      import('../core/recording/first-view.ts'),
      import('../core/recording/recorded-callers.ts'),
    ]);
    const recording = new Recording(this.uri.fsPath);
    try {
      const view = firstView(recording);
      this.#close();
      const callers = new RecordedCallers(recording);
      const reading = new AbortController();
      this.#loaded = { ...view, recording, callers, reading, replayed: view.probes };
      this.#profile = undefined;
      const known = this.#readBuckets(this.#loaded).catch(this.#services.show);
      await Promise.race([known, new Promise((done) => setTimeout(done, FIRST_VIEW_WAITS_MS))]);
    } catch (error) {
      if (this.#loaded?.recording !== recording) recording.close();
      throw error;
    }
  }

  /** What follows the first view: places in the workspace, and the samples of a profile. */
  async complete(): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === undefined) return;
    const { meta, probes } = loaded;
    if (meta.get('kind') === SCRIPT_RUN) void commands.executeCommand('probescope.openRun', this.uri.fsPath);
    if (meta.get('kind') === EVENTS_RUN)
      void commands.executeCommand('probescope.openEvents', this.uri.fsPath);
    if (meta.get('kind') === PROFILE_RUN)
      void commands.executeCommand('probescope.openProfile', this.uri.fsPath);
    await this.#showProbes();
    if (probes.stepsNs.length > 0 || !this.hasProfile || this.#loaded !== loaded) return;
    const profile = this.profile();
    const [{ ReplayedProfile }, { timeLineOf }] = await Promise.all([
      import('../core/recording/replayed.ts'),
      import('../core/recording/first-view.ts'),
    ]);
    if (profile === undefined || this.#loaded !== loaded) return;
    loaded.replayed = new ReplayedProfile(profile);
    loaded.picture = { ...loaded.picture, ...timeLineOf(loaded.replayed) };
    this.#changed.fire();
  }

  /** Figures of a range, of all when none is given; undefined where there is nothing that has a time. */
  figures(range: ShownRange | undefined): MomentFigures | undefined {
    const replayed = this.#loaded?.replayed;
    const endNs = replayed?.stepsNs.at(-1);
    if (this.#loaded === undefined || replayed === undefined || endNs === undefined) return undefined;
    const shown = range ?? { toNs: endNs };
    const wallClockMs = replayed.wallClockMs(shown);
    return {
      ...{ range: shown, lanes: replayed.figures(shown), read: this.#loaded.probes.read },
      ...(wallClockMs === undefined ? {} : { wallClockMs }),
    };
  }

  /** The same of a range that code, tree and panels then follow to: that takes longer, and the page waits for its figures. */
  show(range: ShownRange): MomentFigures | undefined {
    const loaded = this.#loaded;
    if (loaded === undefined) return undefined;
    this.#range = range;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#replay(loaded, this.#callersMs < QUICK_MS);
      if (this.#callersMs < QUICK_MS) return;
      this.#rest = setTimeout(() => {
        this.#replay(loaded, true);
      }, REST_MS);
    });
    return this.figures(range);
  }

  /** The recording's end is shown again: nobody could move it any more. */
  rewind(): void {
    clearTimeout(this.#rest);
    const loaded = this.#loaded;
    const toNs = loaded?.replayed.stepsNs.at(-1);
    if (loaded === undefined || toNs === undefined || this.#range === undefined) return;
    this.#range = { toNs };
    this.#replay(loaded, this.#callersMs < QUICK_MS);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#rest);
    this.#close();
    this.#changed.dispose();
    this.#figuresChanged.dispose();
  }

  #close(): void {
    this.#loaded?.reading.abort();
    this.#loaded?.recording.close();
    this.#loaded = undefined;
  }

  async #readBuckets(loaded: Loaded): Promise<void> {
    const { probes, reading } = loaded;
    const { timeline } = probes;
    if (probes.read === 1) return;
    let told = performance.now();
    await timeline.buckets.read(
      timeline.last,
      (share) => {
        probes.read = Math.min(share, 0.999);
        if (performance.now() - told < 500) return;
        told = performance.now();
        this.#figuresChanged.fire();
      },
      reading.signal,
    );
    if (reading.signal.aborted || this.#disposed) return;
    probes.read = 1;
    this.#figuresChanged.fire();
  }

  async #showProbes(): Promise<void> {
    const { tracing, files } = this.#services;
    const { lanes } = this;
    const declared = lanes.map(({ spec }) => spec.subject.declared);
    const found = await files.locateAll(declared.flatMap((place) => place?.file ?? []));
    const loaded = this.#loaded;
    if (loaded === undefined) return;
    tracing.showRecorded(
      lanes.map((lane, index) => {
        const place = declared[index];
        const file = place === undefined ? undefined : found.get(place.file);
        return {
          ...this.#momentOf(loaded, index, true),
          ...{ spec: lane.spec, origin: loaded.picture.origin },
          ...(place === undefined || file === undefined ? {} : { place: { ...place, file } }),
        };
      }),
    );
  }

  #replay(loaded: Loaded, withCallers: boolean): void {
    if (this.#loaded !== loaded || this.lanes.length === 0) return;
    const began = performance.now();
    const moments = this.lanes.map((_, index) => this.#momentOf(loaded, index, withCallers));
    if (withCallers) this.#callersMs = performance.now() - began;
    this.#services.tracing.replay(moments);
  }

  #momentOf(loaded: Loaded, index: number, withCallers: boolean): RecordedMoment {
    const { probes, callers } = loaded;
    const range = this.#range ?? { toNs: probes.stepsNs.at(-1) ?? 0 };
    const lane = probes.timeline.lanes[index]!;
    const { count, lost, latency } = probes.parts(range)[index]!;
    const stacks =
      withCallers && lane.spec.measures.includes('callers')
        ? callers.of(
            lane.spans.map(({ probe }) => probe),
            (range.fromNs ?? 0) > 0 ? range.fromNs : undefined,
            range.toNs,
          )
        : undefined;
    const totals: ProbeTotals = {
      ...{ probe: lane.spec.id, count, lost },
      ...(latency === undefined ? {} : { latency }),
      ...(stacks === undefined ? {} : { callers: stacks }),
    };
    const moment = momentText(range, probes.stepsNs.at(-1) ?? 0);
    const { timeline } = probes;
    const part = timeline.partOf(range.fromNs, range.toNs);
    return {
      ...{ key: this.keyOf(lane), totals },
      history: () => (this.#loaded === loaded ? timeline.history(lane, part) : []),
      ...(moment === undefined ? {} : { moment }),
    };
  }
}

/** Undefined where all of the recording is shown. */
function momentText({ fromNs, toNs }: ShownRange, endNs: number): string | undefined {
  const end = formatPosition(endNs);
  if (fromNs !== undefined && fromNs > 0)
    return l10n.t('{0} to {1} of {2}', formatPosition(fromNs), formatPosition(Math.min(toNs, endNs)), end);
  return toNs >= endNs ? undefined : l10n.t('as of {0} of {1}', formatPosition(toNs), end);
}
