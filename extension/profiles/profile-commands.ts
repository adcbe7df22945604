/** *Profile Process*: from the palette, a process of the Targets view, or an editor whose file's program runs. */
import { commands, l10n, Uri, window, type Disposable } from 'vscode';
import { asProblem, ProbeError } from '../../protocol/errors.ts';
import { isEventName } from '../../protocol/live-profile.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import type { BinaryChooser } from '../commands/choose-binary.ts';
import type { HelperConnection } from '../core/connection.ts';
import { LiveProfile } from '../core/live-profile.ts';
import { profileTitle } from '../core/profile-meta.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { asking, withProgress } from '../platform/progress.ts';
import type { NewRecordings } from '../recordings/new-recordings.ts';
import { processTitle } from '../targets/process-text.ts';
import type { TargetNode } from '../views/targets.ts';
import { measureItems, processItems, type MeasureItem } from './profile-choices.ts';
import { recordProfile } from './profile-files.ts';
import type { ProfilePanels } from './profile-panels.ts';

export interface ProfileServices {
  readonly recordings: NewRecordings;
  readonly panels: ProfilePanels;
  readonly chooser: BinaryChooser;
  readonly connect: () => Promise<HelperConnection>;
  readonly targetName: () => string;
  /** A profile ends by itself after so many minutes; 0: never. */
  readonly minutes: () => number;
  readonly show: ShowProblem;
}

/** Undefined stands for everything on the target. */
type Subject = ProcessInfo | undefined;

export function registerProfileCommands(services: ProfileServices): Disposable[] {
  const { show, panels } = services;
  return [
    commands.registerCommand('probescope.profileProcess', async (from?: TargetNode | Uri) => {
      try {
        const chosen = await subjectOf(services, from);
        const how = await askHow(chosen.subject);
        if (how !== undefined) await profile(services, chosen.subject, how);
      } catch (error) {
        await show(error);
      }
    }),
    commands.registerCommand(
      'probescope.openProfile',
      (path: string, timeRangeNs?: readonly [from: number, to: number]) =>
        panels.openRecorded(path, timeRangeNs).catch(show),
    ),
  ];
}

async function subjectOf(
  services: ProfileServices,
  from: TargetNode | Uri | undefined,
): Promise<{ readonly subject: Subject }> {
  if (from instanceof Uri) return { subject: await processOfFile(services, from.fsPath) };
  if (from?.kind === 'process') return { subject: from.process };
  const { connect, targetName } = services;
  const { processes } = await withProgress(l10n.t('Listing processes'), async () =>
    (await connect()).call('processes', {}),
  );
  const picked = await asking(
    window.showQuickPick(processItems(processes, targetName()), {
      title: l10n.t('Profile which process?'),
      placeHolder: l10n.t('Name, number, user or command line; the busiest first'),
      matchOnDescription: true,
      matchOnDetail: true,
    }),
  );
  if (picked === undefined) throw cancelled();
  return { subject: picked.process };
}

/** The process that runs what was built from a file; asks where there are several. */
async function processOfFile({ chooser }: ProfileServices, file: string): Promise<ProcessInfo> {
  const { candidate, pid, binary } = await withProgress(
    l10n.t('Looking for the program of {0}', file.slice(file.lastIndexOf('/') + 1)),
    (token, report) => chooser.choose(file, { ask: false }, token, report),
  );
  const processes = candidate.processes.filter((process) => pid === undefined || process.pid === pid);
  const [first, second] = processes;
  if (first === undefined)
    throw new ProbeError({
      code: 'process-gone',
      message: l10n.t('{0} does not run.', binary),
      remedy: l10n.t('Start the program, then profile it; probescope profile -- COMMAND does both.'),
    });
  if (second === undefined) return first;
  const items = processItems(processes, '').filter(({ process }) => process !== undefined);
  const picked = await asking(
    window.showQuickPick(items, { title: l10n.t('Profile which process?'), matchOnDetail: true }),
  );
  if (picked?.process === undefined) throw cancelled();
  return picked.process;
}

async function askHow(subject: Subject): Promise<MeasureItem | undefined> {
  const what =
    subject === undefined
      ? l10n.t('everything')
      : l10n.t('{0} (process {1})', processTitle(subject), subject.pid);
  const title = l10n.t('Profile {0}', what);
  const picked = await asking(window.showQuickPick(measureItems, { title, matchOnDetail: true }));
  if (picked?.event !== '') return picked;
  const event = await asking(
    window.showInputBox({
      title,
      prompt: l10n.t('The event, as perf list or the Event Sources view name it'),
      placeHolder: 'syscalls:sys_enter_write',
      validateInput: (name) =>
        name === '' || isEventName(name)
          ? undefined
          : l10n.t('One event, such as page-faults or sched:sched_wakeup'),
    }),
  );
  return event === undefined || event === '' ? undefined : { ...picked, event };
}

/** Opens the panel at once; what goes wrong stands in it. */
async function profile(services: ProfileServices, subject: Subject, how: MeasureItem): Promise<void> {
  const { recordings, panels, connect, targetName, minutes, show } = services;
  const target = targetName();
  const name = subject === undefined ? target : `${processTitle(subject)} ${subject.pid}`;
  const spec = {
    kind: how.measures,
    hz: how.hz,
    ...(how.event === undefined ? {} : { event: how.event }),
  };
  const title = profileTitle(name, spec);
  const live = new LiveProfile(title, {
    ...spec,
    target: subject === undefined ? 'machine' : { pid: subject.pid },
  });
  const path = (await recordings.storage()).newPath('profile', title);
  panels.openLive(path, {
    live,
    again: () => void profile(services, subject, how).catch(show),
  });
  const mostMinutes = minutes();
  const expiry =
    mostMinutes > 0
      ? setTimeout(() => {
          window.setStatusBarMessage(
            l10n.t(
              'The profile of {0} ended after {1} minutes (probescope.budget.minutes).',
              name,
              mostMinutes,
            ),
            30_000,
          );
          live.stop().catch(show);
        }, mostMinutes * 60_000)
      : undefined;
  try {
    await live.start(await connect());
  } catch (error) {
    // it has ended by that, and its panel says so; a connection that could not be made is told by nothing else
    live.fail(asProblem(error));
  }
  await live.ended;
  clearTimeout(expiry);
  if (live.total === 0) return;
  await recordProfile(path, live, target, recordings.sources);
  recordings.ended();
  panels.recorded(path);
}

function cancelled(): ProbeError {
  return new ProbeError({ code: 'cancelled', message: 'Nothing was chosen.' });
}
