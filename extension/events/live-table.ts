/** One table of live events, or of those of a recording: its panel, its stream, and the recording that it may go into. */
import {
  env,
  l10n,
  Uri,
  ViewColumn,
  window,
  workspace,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type WebviewPanel,
} from 'vscode';
import type { EventsToHost, HostToEvents } from '../../protocol/events-panel.ts';
import type {
  EventCounts,
  EventStack,
  EventsMode,
  EventsSpec,
  SourceId,
  StreamSchema,
} from '../../protocol/events.ts';
import { asProblem, type Problem } from '../../protocol/errors.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { HelperConnection } from '../core/connection.ts';
import { EventDatabase } from '../core/recording/event-database.ts';
import type { EventRecorder } from '../core/recording/event-recorder.ts';
import type { RecordedEvents } from '../core/recording/recorded-events.ts';
import type { RecordingMeta, RecordingWriter } from '../core/recording/writer.ts';
import { uniqueId } from '../core/unique-id.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import { showPage } from '../webviews/panel-page.ts';
import { copyAs, countInKernel } from './equivalents.ts';
import { asked, noteOf, nothingWanted, titleOf, type Wanted } from './wanted.ts';

export interface EventStreamServices {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly connect: () => Promise<HelperConnection>;
  readonly show: (thrown: unknown) => Promise<void>;
  readonly files: SourceFiles;
  /** A new recording of events, bounded as the settings say. Throws ProbeError. */
  readonly newRecording: (meta: RecordingMeta, onStop: (reason: string) => void) => Promise<RecordingWriter>;
  /** A recording of events was closed. */
  readonly recordingEnded: () => void;
}

export class LiveTable implements Disposable {
  readonly #services: EventStreamServices;
  readonly #sources: readonly SourceId[];
  readonly #panel: WebviewPanel;
  readonly #gone: () => void;
  readonly #ready: Promise<void>;
  #listeners: Disposable[] = [];
  #stream: string | undefined;
  #database: EventDatabase | undefined;
  #wanted: Wanted = nothingWanted;
  #schema: StreamSchema | undefined;
  #recorder: EventRecorder | undefined;
  /** What the stream has told so far that later rows refer to. */
  #told: { texts: string[]; stacks: EventStack[]; counts: EventCounts | undefined } = noneTold();

  constructor(services: EventStreamServices, sources: readonly SourceId[], gone: () => void) {
    this.#services = services;
    this.#sources = sources;
    this.#gone = gone;
    const title = titleOf(sources);
    this.#panel = window.createWebviewPanel('probescope.events', title, ViewColumn.Active, {
      retainContextWhenHidden: true,
    });
    const { webview } = this.#panel;
    this.#ready = new Promise((resolve) => {
      webview.onDidReceiveMessage((message: EventsToHost) => {
        if (message.type === 'ready') resolve();
        else void this.#receive(message);
      });
    });
    showPage(this.#panel, services.context.extensionUri, { bundle: 'events', title, key: sources.join(' ') });
    this.#panel.onDidDispose(() => {
      // What was written until then is whole rows.
      this.#database?.close({});
      this.#database = undefined;
      this.#stop();
      this.#endRecording();
      this.#gone();
    });
  }

  async start(wanted: Wanted, mode: EventsMode, acceptRate: boolean): Promise<void> {
    await this.#ready;
    this.#stop();
    this.#endRecording();
    this.#told = noneTold();
    this.#schema = undefined;
    this.#wanted = wanted;
    const stream = uniqueId();
    this.#stream = stream;
    const spec: EventsSpec = {
      stream,
      mode,
      ...asked(this.#sources, wanted),
      ...(acceptRate ? { acceptRate } : {}),
    };
    try {
      await this.#run(spec);
    } catch (thrown) {
      const problem = asProblem(thrown);
      this.#post({ type: 'refused', problem });
      if (problem.code === 'budget-exceeded') await this.#choose(wanted, problem);
    }
  }

  async #run(spec: EventsSpec): Promise<void> {
    const connection = await this.#services.connect();
    const { stream } = spec;
    const fields = await Promise.all(
      this.#sources.map(async (id) => (await connection.call('describeSource', { id })).fields),
    );
    // Rows may arrive before the answer to the call that started them.
    let early: HostToEvents[] | undefined = [];
    const deliver = (message: HostToEvents): void => {
      if (this.#stream !== stream) return;
      if (early !== undefined) early.push(message);
      else this.#post(message);
    };
    this.#listeners = [
      connection.onEventRows((rows) => {
        if (rows.stream !== stream) return;
        this.#recorder?.addRows(rows);
        this.#told.texts.push(...rows.texts);
        this.#told.counts = rows.counts;
        deliver({ type: 'rows', rows });
      }),
      connection.onEventStacks(({ stream: which, stacks }) => {
        if (which !== stream) return;
        this.#recorder?.addStacks(stacks);
        this.#told.stacks.push(...stacks);
        deliver({ type: 'stacks', stacks });
      }),
      connection.onEventsState(({ stream: which, state }) => {
        if (which !== stream || state.kind !== 'ended') return;
        this.#told.counts = state.counts;
        this.#endRecording();
        deliver({
          type: 'ended',
          counts: state.counts,
          ...(state.problem === undefined ? {} : { problem: state.problem }),
        });
      }),
      connection.onClosed((problem) => {
        this.#endRecording();
        deliver({
          type: 'ended',
          counts: { received: 0, lost: 0, sampledOut: 0, missedEntries: 0 },
          problem,
        });
      }),
    ];
    const schema = await connection.call('startEvents', spec);
    this.#schema = schema;
    const note = noteOf(spec, schema.checkedAfterwards !== undefined);
    this.#post({
      type: 'stream',
      title: titleOf(this.#sources),
      schema,
      filter: spec.filter ?? '',
      fields,
      note,
    });
    for (const message of early) this.#post(message);
    early = undefined;
  }

  /** More events than may be traced one by one: what to do is the user's choice. */
  async #choose(wanted: Wanted, problem: Problem): Promise<void> {
    const choices: { label: string; detail: string; run: () => Promise<void> }[] = [
      {
        label: l10n.t('Stop after 10,000 rows'),
        detail: l10n.t('A moment of everything'),
        run: () => this.start(wanted, { kind: 'first', rows: 10_000 }, true),
      },
      {
        label: l10n.t('Show 1 in 100'),
        detail: l10n.t('The others are counted; each event still costs the traced programs its recording'),
        run: () => this.start(wanted, { kind: 'sample', every: 100 }, true),
      },
      {
        label: l10n.t('Count in the kernel'),
        detail: l10n.t('By a field that you choose, as a chart; nothing travels for each event'),
        run: () => countInKernel(this.#services.connect, this.#sources, wanted),
      },
      {
        label: l10n.t('Copy as…'),
        detail: l10n.t('A bpftrace script or a command for a terminal'),
        run: () => this.#copyAs(),
      },
      {
        label: l10n.t('Trace each event all the same'),
        detail: l10n.t('Expect lost events and a slower machine'),
        run: () => this.start(wanted, { kind: 'each' }, true),
      },
    ];
    const picked = await window.showQuickPick(choices, {
      placeHolder: problem.message,
      ignoreFocusOut: true,
    });
    await picked?.run();
  }

  async #receive(message: EventsToHost): Promise<void> {
    try {
      switch (message.type) {
        case 'start':
          return await this.start(message, { kind: 'each' }, false);
        case 'stop':
          if (this.#stream !== undefined)
            await (await this.#services.connect()).call('stopEvents', { stream: this.#stream });
          return;
        case 'copy':
          await env.clipboard.writeText(message.text);
          return;
        case 'record':
          return await (message.on ? this.#record() : this.#endRecording());
        case 'copyAs':
          return await this.#copyAs();
        case 'open':
          return await this.#openFirst(message.places);
        case 'save':
          return await this.#save(message.suggestedName, message.content);
        case 'database': {
          const target = await this.#ask('events.sqlite');
          if (target === undefined) return;
          this.#database = new EventDatabase(target.fsPath, message.columns);
          this.#post({ type: 'databaseWanted' });
          return;
        }
        case 'databaseRows':
          this.#database?.add(message.rows);
          if (message.about === undefined) return this.#post({ type: 'databaseWanted' });
          this.#database?.close(message.about);
          this.#database = undefined;
          return;
        case 'problem':
          this.#services.log.error(`Live table: ${message.message}`);
          return;
        case 'ready':
          return;
      }
    } catch (thrown) {
      await this.#services.show(thrown);
    }
  }

  async showRecorded(events: RecordedEvents): Promise<void> {
    await this.#ready;
    const { schema, filter, counts } = events;
    this.#post({
      type: 'stream',
      title: l10n.t('{0} (recorded)', titleOf(this.#sources)),
      schema,
      filter,
      fields: [],
      note: filter === '' ? '' : l10n.t('Recorded with the filter {0}', filter),
      recorded: true,
    });
    this.#post({ type: 'stacks', stacks: events.stacks() });
    for (const rows of events.batches()) this.#post({ type: 'rows', rows });
    this.#post({ type: 'ended', counts });
  }

  /** What comes from here on goes into a recording too, until the stream ends, its bound is reached, or it is told so. */
  async #record(): Promise<void> {
    const schema = this.#schema;
    if (schema === undefined || this.#recorder !== undefined) return;
    const { EventRecorder, eventsMeta } = await import('../core/recording/event-recorder.ts');
    const writer = await this.#services.newRecording(eventsMeta(schema, this.#wanted.filter), (reason) => {
      this.#endRecording(reason);
    });
    const { texts, stacks, counts } = this.#told;
    this.#recorder = new EventRecorder(writer, schema, {
      texts,
      ...(counts === undefined ? {} : { counts }),
    });
    this.#recorder.addStacks(stacks);
    this.#post({ type: 'recording', on: true, text: '' });
  }

  #endRecording(why = l10n.t('The recording stands in the view Recordings.')): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    this.#recorder = undefined;
    recorder.finish(this.#told.counts);
    this.#services.recordingEnded();
    this.#post({ type: 'recording', on: false, text: why });
  }

  #copyAs(): Promise<void> {
    return copyAs(this.#services.connect, this.#sources, this.#wanted);
  }

  /** Libraries' sources are seldom here: the first frame of the user's own code is what is meant. */
  async #openFirst(places: readonly SourcePlace[]): Promise<void> {
    const { files } = this.#services;
    const here = await files.locateAll(places.map(({ file }) => file));
    const place = places.find(({ file }) => here.has(file)) ?? places[0];
    if (place !== undefined) await files.open(place);
  }

  async #ask(suggestedName: string): Promise<Uri | undefined> {
    const [folder] = workspace.workspaceFolders ?? [];
    return window.showSaveDialog({
      defaultUri: folder === undefined ? Uri.file(suggestedName) : Uri.joinPath(folder.uri, suggestedName),
    });
  }

  async #save(suggestedName: string, content: string): Promise<void> {
    const target = await this.#ask(suggestedName);
    if (target !== undefined) await workspace.fs.writeFile(target, new TextEncoder().encode(content));
  }

  #stop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    for (const listener of this.#listeners) listener.dispose();
    this.#listeners = [];
    if (stream === undefined) return;
    // A stream that has ended by itself is not known any more, which is what was wanted.
    this.#services
      .connect()
      .then((connection) => connection.call('stopEvents', { stream }))
      .catch(() => undefined);
  }

  #post(message: HostToEvents): void {
    void this.#panel.webview.postMessage(message);
  }

  dispose(): void {
    this.#panel.dispose();
  }
}

const noneTold = () => ({ texts: [], stacks: [], counts: undefined });
