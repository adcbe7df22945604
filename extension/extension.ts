/** Wiring only: creates things and hands them to one another, in reading order. */
import { commands, languages, window, workspace, type ExtensionContext } from 'vscode';
import { registerCountingCommands } from './commands/counting-commands.ts';
import { registerEventCommands } from './commands/event-commands.ts';
import { BinaryChooser } from './commands/choose-binary.ts';
import { latencyActions, registerProbeCommands, type ProbeServices } from './commands/probe-commands.ts';
import type { TraceServices } from './commands/add-probe.ts';
import { registerDetach } from './commands/detach.ts';
import { registerMakeCheap } from './commands/make-cheap.ts';
import { registerTargetCommands } from './commands/target-commands.ts';
import { chooseBinary, traceFrame, traceFunction } from './commands/trace.ts';
import { countUsdt } from './commands/trace-usdt.ts';
import { UnwindingRisk } from './commands/unwinding-risk.ts';
import { ProbeLenses } from './editor/code-lens.ts';
import { ProbeHover } from './editor/hover.ts';
import { startLanguageClientOnDemand } from './editor/language-features.ts';
import { Overlay } from './editor/overlay.ts';
import { EventStreams } from './events/event-streams.ts';
import { keepContextKeys } from './platform/context-keys.ts';
import { LogpointList } from './core/logpoints.ts';
import { registerLogpointCommands, watchLogpoints } from './logpoints/commands.ts';
import { registerHotLines } from './hot-lines/hot-lines.ts';
import { LogpointOverlay } from './logpoints/overlay.ts';
import { binaryFolders, sourceMap } from './platform/folders.ts';
import { SourceFiles } from './platform/open-source.ts';
import { problemPresenter } from './platform/problems.ts';
import { governorOf, readSettings } from './platform/settings.ts';
import { warmUp } from './platform/warm-up.ts';
import { HelperLink } from './probes/helper-link.ts';
import { Places } from './probes/places.ts';
import { ProbeList } from './probes/probe-list.ts';
import { registerProfileCommands } from './profiles/profile-commands.ts';
import { ProfilePanels } from './profiles/profile-panels.ts';
import { registerScriptCommands } from './scripts/run-commands.ts';
import { RunPanels } from './scripts/run-panels.ts';
import { registerRecordingCommands } from './recordings/commands.ts';
import { RecordingComparisons } from './recordings/compare.ts';
import { RecordingLibrary } from './recordings/library.ts';
import { NewRecordings } from './recordings/new-recordings.ts';
import { registerRecordingEditor } from './recordings/recording-editor.ts';
import { RecordingsView } from './recordings/view.ts';
import { ProbeError } from '../protocol/errors.ts';
import { TargetChoice } from './targets/target-choice.ts';
import { EventSourcesView } from './views/event-sources.ts';
import { ProbesView } from './views/probes.ts';
import { StatusItem } from './views/status.ts';
import { TargetsView } from './views/targets.ts';
import { callersPanels, type FrameActions } from './webviews/callers-panel.ts';
import { LatencyDetails } from './webviews/latency-details.ts';
import { latencyPanels } from './webviews/latency-panel.ts';
import { ShownProfile } from './webviews/shown-profile.ts';
import { followSelections, selectionPanels } from './webviews/selection-panel.ts';

/** `loadingMs`: what it took to load this code. */
export function activate(context: ExtensionContext, loadingMs: number): void {
  const startedMs = performance.now();
  const own = <T extends { dispose(): unknown }>(thing: T): T => {
    context.subscriptions.push(thing);
    return thing;
  };
  const log = own(window.createOutputChannel('Probescope', { log: true }));
  const settings = readSettings(workspace);
  const show = problemPresenter(log);
  const files = new SourceFiles(() => sourceMap(settings));
  own(
    settings.onDidChange(() => {
      files.forget();
    }),
  );

  const targets = own(
    new TargetChoice(settings, context.workspaceState, (line) => {
      log.warn(line);
    }),
  );
  const link = own(
    new HelperLink({
      bundle: context.asAbsolutePath('dist/helper.js'),
      nodePath: () => settings.get('helper.nodePath'),
      target: () => targets.current,
      log,
    }),
  );
  const recordings = own(
    new NewRecordings({
      root: context.globalStorageUri.fsPath,
      ...{ settings, log },
      describe: async (session) => (await link.connect()).call('describeSession', { session }),
      sources: () => workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file')?.uri.fsPath,
      tell: (message) => void window.showWarningMessage(message),
    }),
  );
  const tracing = own(
    new ProbeList(
      link,
      () => ({ folders: binaryFolders(settings), sourceMap: sourceMap(settings) }),
      context.workspaceState,
      governorOf(settings),
      recordings.traces,
    ),
  );
  own(link.onDidReturn(() => void tracing.resumeLost().catch(show)));
  own(new Places(tracing));
  own(tracing.onDidTell((message) => void window.showWarningMessage(message)));
  own(tracing.onDidEnd((problem) => void show(new ProbeError(problem), resumeRemedies())));

  const view = own(new ProbesView(tracing));
  own(new StatusItem(tracing, () => tracing.status));
  own(new Overlay(context.extensionUri, tracing, settings));
  const sources = { scheme: 'file' };
  own(languages.registerCodeLensProvider(sources, own(new ProbeLenses(tracing, settings))));
  own(languages.registerHoverProvider(sources, new ProbeHover(tracing)));
  own(keepContextKeys(tracing));

  const chooser = new BinaryChooser(tracing, context.workspaceState, log);
  const risk = new UnwindingRisk();
  const traceServices: TraceServices = { tracing, chooser, risk, files, show, log };
  const probeServices: ProbeServices = {
    tracing,
    files,
    show,
    view,
    openLatency: (key) => {
      latency.open(key);
    },
    openCallers: (key) => {
      callers.open(key);
    },
    closePanels: (key) => {
      latency.close(key);
      callers.close(key);
      selections.close(key);
    },
  };
  const logpoints = own(
    new LogpointList(
      () => link.connect(),
      () => settings.get('budget.eventsPerSecond'),
    ),
  );
  own(languages.registerHoverProvider(sources, own(new LogpointOverlay(context.extensionUri, logpoints))));
  for (const disposable of watchLogpoints(logpoints, show)) own(disposable);
  for (const command of registerLogpointCommands({
    trace: traceServices,
    list: logpoints,
    connect: () => link.connect(),
  }))
    own(command);
  own(registerMakeCheap({ tracing, show }));
  for (const thing of registerDetach({ tracing, logpoints, link, show })) own(thing);
  const details = own(
    new LatencyDetails({
      probes: tracing,
      connect: () => link.connect(),
      show,
      openSelection: (key) => {
        selections.open(key);
      },
    }),
  );
  const latency = latencyPanels(context, log, tracing, details, {
    act: latencyActions(probeServices),
    traceFunction: (callee) => void traceFrame(traceServices, callee),
    openPlace: (place) => void files.open(place).catch(show),
  });
  const frames: FrameActions = {
    openSource: (frame, beside) => {
      if (frame.place !== undefined) files.open(frame.place, beside).catch(show);
    },
    traceFunction: (frame) => void traceFrame(traceServices, frame),
  };
  const shown = own(new ShownProfile());
  for (const part of registerHotLines({ shown, files, settings, memory: context.workspaceState, show }))
    own(part);
  const callers = callersPanels(context, log, tracing, frames, shown);
  const selections = own(selectionPanels(context, log, tracing, () => details, frames, shown));
  own(followSelections(selections, details));

  for (const command of registerProbeCommands(probeServices)) own(command);
  own(commands.registerCommand('probescope.traceLatency', () => traceFunction(traceServices, 'latency')));
  own(commands.registerCommand('probescope.traceCount', () => traceFunction(traceServices, 'count')));
  own(commands.registerCommand('probescope.traceCallers', () => traceFunction(traceServices, 'callers')));
  own(commands.registerCommand('probescope.countUsdt', () => countUsdt(traceServices)));
  own(commands.registerCommand('probescope.chooseBinary', () => chooseBinary(traceServices)));
  own(
    commands.registerCommand('probescope.showLog', () => {
      log.show();
    }),
  );
  const connect = () => link.connect();
  const streams = own(
    new EventStreams({
      ...{ context, log, connect, show, files },
      newRecording: (meta, onStop) =>
        recordings.open('events', String(meta['title']), { ...meta, target: targets.current.name }, onStop),
      recordingEnded: () => {
        recordings.ended();
      },
    }),
  );
  for (const thing of registerCountingCommands({ context, log, connect, show })) own(thing);
  const sourcesView = own(new EventSourcesView(connect, context.workspaceState));
  for (const command of registerEventCommands({
    trace: traceServices,
    view: sourcesView,
    streams,
    connect,
    show,
    kernelSource: () => settings.get('kernelSource'),
  }))
    own(command);
  const targetsView = own(
    new TargetsView(targets, {
      get state() {
        return link.state;
      },
      get latencyNs() {
        return link.latencyNs;
      },
      get clockOffset() {
        return link.clockOffset;
      },
      onDidChangeState: link.onDidChangeState,
      facts: async (refresh) => (await link.connect()).call('targetFacts', { refresh }),
      processes: async () => (await (await link.connect()).call('processes', {})).processes,
    }),
  );
  for (const command of registerTargetCommands({ tracing, link, choice: targets, view: targetsView, show }))
    own(command);
  const language = own(startLanguageClientOnDemand(context, { settings, log, targets, link }));
  const runs = new RunPanels(context, log, {
    openSource: (frame, beside) => {
      if (frame.place !== undefined) files.open(frame.place, beside).catch(show);
    },
    traceFunction: (frame) => void traceFrame(traceServices, frame),
    show,
  });
  for (const command of registerScriptCommands({
    ...{ context, recordings, panels: runs, connect, show },
    targetName: () => targets.current.name,
    mapKeys: () => settings.get('bpftrace.mapKeys'),
    tellAttachCount: (attachPoint, title) => {
      language.tellAttachCount(attachPoint, title);
    },
  }))
    own(command);
  const profiles = new ProfilePanels({ context, log, frames, shown, show });
  for (const command of registerProfileCommands({
    ...{ recordings, chooser, connect, show },
    panels: profiles,
    targetName: () => targets.current.name,
    minutes: () => settings.get('budget.minutes'),
  }))
    own(command);
  void targets.restore();
  own(registerRecordingEditor({ context, log, tracing, files, show, shown, profiles }));
  const library = own(new RecordingLibrary(recordings, context.globalStorageUri, log));
  const recordingsView = own(new RecordingsView(library));
  const comparisons = own(new RecordingComparisons({ context, log, frames, files, show }));
  for (const command of registerRecordingCommands({
    ...{ view: recordingsView, library, recordings, comparisons, show },
  }))
    own(command);
  own(warmUp(context.extension, tracing, log));
  log.info(
    `Probescope is active: loaded in ${Math.ceil(loadingMs)} ms, activated in ${Math.ceil(performance.now() - startedMs)} ms.`,
  );
}

function resumeRemedies() {
  return [{ label: 'Resume', run: () => commands.executeCommand('probescope.resumeAllProbes') }];
}
