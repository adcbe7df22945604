/** *Add Trace Logpoint…* and what can be done with logpoints. */
import { commands, env, l10n, window, type Disposable } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { LogpointPlace } from '../../protocol/logpoint.ts';
import type { HelperConnection } from '../core/connection.ts';
import type { LogpointList, LogpointView } from '../core/logpoints.ts';
import { binaryOf, pointedAt, type TraceServices } from '../commands/add-probe.ts';
import { Stopwatch } from '../commands/stopwatch.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { asking, withProgress } from '../platform/progress.ts';
import { askForLogpoint } from './logpoint-input.ts';
import { defaultOptions } from './options.ts';
import { timeOf } from './overlay.ts';

export interface LogpointServices {
  readonly trace: TraceServices;
  readonly list: LogpointList;
  readonly connect: () => Promise<HelperConnection>;
}

export function registerLogpointCommands(services: LogpointServices): Disposable[] {
  const { list, trace } = services;
  const shown =
    (run: (...args: unknown[]) => Promise<void>) =>
    (...args: unknown[]) =>
      run(...args).catch(trace.show);
  return [
    commands.registerCommand(
      'probescope.addLogpoint',
      shown(() => addLogpoint(services)),
    ),
    commands.registerCommand(
      'probescope.removeLogpoint',
      shown(async (id) => {
        const logpoint = await chosen(list, id);
        if (logpoint !== undefined) await list.remove(logpoint.id);
      }),
    ),
    commands.registerCommand(
      'probescope.removeAllLogpoints',
      shown(async () => {
        for (const { id } of list.all) await list.remove(id);
      }),
    ),
    commands.registerCommand(
      'probescope.copyLogValues',
      shown(async (id) => {
        const logpoint = await chosen(list, id);
        if (logpoint === undefined) return;
        const lines = logpoint.history.map(
          ({ wallClockMs, tid, text }) => `${timeOf(wallClockMs)}\t${tid}\t${text}`,
        );
        await env.clipboard.writeText(lines.join('\n'));
        window.setStatusBarMessage(l10n.t('Copied {0} values', lines.length), 3000);
      }),
    ),
  ];
}

/** Tells menus whether there are logpoints, and the user when one ended for a reason that was not asked for. */
export function watchLogpoints(list: LogpointList, show: ShowProblem): Disposable[] {
  let told: boolean | undefined;
  const tell = (): void => {
    const has = list.all.length > 0;
    if (has === told) return;
    told = has;
    void commands.executeCommand('setContext', 'probescope.hasLogpoints', has);
  };
  tell();
  return [
    list.onDidChange(tell),
    list.onDidEnd(({ end }) => {
      if (end?.problem !== undefined) void show(new ProbeError(end.problem));
    }),
  ];
}

/** At the cursor's line. A line that has one already gets its text to change. */
async function addLogpoint({ trace, list, connect }: LogpointServices): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor === undefined) return;
  const at = pointedAt(editor);
  const before = list.at(at.file, at.line);
  const { chosen: binary, connection } = await withProgress(
    l10n.t('Looking for the binary of line {0}', at.line),
    async (token, report) => ({
      chosen: await binaryOf(trace, at, false, new Stopwatch(), token, report),
      connection: await connect(),
    }),
  );
  const place: LogpointPlace & { readonly pid?: number } = {
    binary: binary.binary,
    file: binary.candidate.fileInBinary,
    line: at.line,
    ...(binary.pid === undefined ? {} : { pid: binary.pid }),
  };
  const text = await askForLogpoint(
    connection,
    place,
    binary.candidate,
    before?.spec ?? { ...defaultOptions, template: '' },
  );
  if (text === undefined) return;
  if (before !== undefined) await list.remove(before.id);
  const started = performance.now();
  const { template, condition, hitLimit, rateLimitHz, expiryMs } = text;
  const logpoint = await list.add(
    {
      ...place,
      template,
      ...(condition === undefined ? {} : { condition }),
      ...(hitLimit === undefined ? {} : { hitLimit }),
      ...(rateLimitHz === undefined ? {} : { rateLimitHz }),
      ...(expiryMs === undefined ? {} : { expiryMs }),
    },
    { file: at.file, line: at.line },
  );
  trace.log.info(
    `Logpoint at ${at.file}:${logpoint.place.line}: attached to ${logpoint.sites.attached} sites in ${Math.round(performance.now() - started)} ms.`,
  );
}

/** By id from a hover's link, at the cursor, or asked for. */
async function chosen(list: LogpointList, id: unknown): Promise<LogpointView | undefined> {
  const editor = window.activeTextEditor;
  const byId = list.all.find((logpoint) => logpoint.id === id);
  const here =
    editor === undefined ? undefined : list.at(editor.document.uri.fsPath, editor.selection.active.line + 1);
  if (byId !== undefined || here !== undefined) return byId ?? here;
  const items = list.all.map((logpoint) => ({
    label: `$(debug-breakpoint-log) ${logpoint.spec.template}`,
    description: `${logpoint.place.file.slice(logpoint.place.file.lastIndexOf('/') + 1)}:${logpoint.place.line}`,
    logpoint,
  }));
  if (items.length === 0) return undefined;
  return (await asking(window.showQuickPick(items, { title: l10n.t('Which Logpoint?') })))?.logpoint;
}
