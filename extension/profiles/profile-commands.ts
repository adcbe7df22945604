/** *Profile Process*: from the palette, a process of the Targets view, or an editor whose file's program runs. */
import { commands, l10n, Uri, window, type Disposable } from 'vscode';
import { asProblem, ProbeError } from '../../protocol/errors.ts';
import { isEventName, type ProfileTarget } from '../../protocol/live-profile.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import type { BinaryChooser } from '../commands/choose-binary.ts';
import type { HelperConnection } from '../core/connection.ts';
import { LiveProfile } from '../core/live-profile.ts';
import { profileTitle } from '../core/profile-meta.ts';
import { byBusyness } from '../core/targets/containers.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { asking, withProgress } from '../platform/progress.ts';
import type { NewRecordings } from '../recordings/new-recordings.ts';
import type { TargetNode } from '../views/targets.ts';
import {
  measureItems,
  processItem,
  processItems,
  subjectOfContainer,
  subjectOfProcess,
  type MeasureItem,
  type ProfileSubject,
} from './profile-choices.ts';
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
type Subject = ProfileSubject | undefined;

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
  if (from instanceof Uri) return { subject: subjectOfProcess(await processOfFile(services, from.fsPath)) };
  if (from?.kind === 'process') return { subject: subjectOfProcess(from.process) };
  if (from?.kind === 'container') return { subject: subjectOfContainer(from.id, from.processes) };
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
  return { subject: picked.subject };
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
  const items = byBusyness(processes).map((process) => ({ ...processItem(process), process }));
  const picked = await asking(
    window.showQuickPick(items, { title: l10n.t('Profile which process?'), matchOnDetail: true }),
  );
  if (picked === undefined) throw cancelled();
  return picked.process;
}

async function askHow(subject: Subject): Promise<MeasureItem | undefined> {
  const title = l10n.t('Profile {0}', subject?.name ?? l10n.t('everything'));
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

function targetOf(subject: Subject): ProfileTarget {
  if (subject === undefined) return 'machine';
  const [pid, ...others] = subject.processes.map((process) => process.pid);
  return pid !== undefined && others.length === 0 ? { pid } : { pids: [pid ?? 0, ...others] };
}

/** Opens the panel at once; what goes wrong stands in it. */
async function profile(services: ProfileServices, subject: Subject, how: MeasureItem): Promise<void> {
  const { recordings, panels, connect, targetName, minutes, show } = services;
  const target = targetName();
  const name = subject?.name ?? target;
  const spec = {
    kind: how.measures,
    hz: how.hz,
    ...(how.event === undefined ? {} : { event: how.event }),
  };
  const title = profileTitle(name, spec);
  const live = new LiveProfile(title, {
    ...spec,
    target: targetOf(subject),
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
