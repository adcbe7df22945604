/** What *Profile Process* offers to choose from. Pure: the asking itself is in `profile-commands.ts`. */
import type { ProfileKind } from '../../protocol/live-profile.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import { byBusyness, byContainer, containerTitle } from '../core/targets/containers.ts';
import { processSummary, processTitle } from '../targets/process-text.ts';

/** Rates are next to round numbers, so that nothing periodic is met in step. */
export const USUAL_HZ = 49;
const DETAILED_HZ = 997;

export interface ProcessItem {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  /** Undefined: everything on the target. */
  readonly subject: ProfileSubject | undefined;
}

/** What is profiled: a process, or the processes of a container, under the name that people know. */
export interface ProfileSubject {
  readonly name: string;
  readonly processes: readonly ProcessInfo[];
}

export const subjectOfProcess = (process: ProcessInfo): ProfileSubject => ({
  name: `${processTitle(process)} ${process.pid}`,
  processes: [process],
});

export const subjectOfContainer = (id: string, processes: readonly ProcessInfo[]): ProfileSubject => ({
  name: containerTitle(id, processes),
  processes,
});

export const processItem = (process: ProcessInfo): ProcessItem => ({
  label: processTitle(process),
  description: processSummary(process),
  detail: process.commandLine || process.command,
  subject: subjectOfProcess(process),
});

/** The processes, busiest first, the containers, and everything on the target at the end. */
export function processItems(processes: readonly ProcessInfo[], target: string): ProcessItem[] {
  return [
    ...byBusyness(processes).map(processItem),
    ...[...byContainer(processes).containers].map(([id, own]) => ({
      label: `$(package) ${containerTitle(id, own)}`,
      description: own.length === 1 ? 'container with 1 process' : `container with ${own.length} processes`,
      detail: id,
      subject: subjectOfContainer(id, own),
    })),
    {
      label: `$(server) Everything on ${target}`,
      description: 'all processes and the kernel',
      detail: '',
      subject: undefined,
    },
  ];
}

export interface MeasureItem {
  readonly label: string;
  readonly detail: string;
  readonly measures: ProfileKind;
  readonly hz: number;
  /** Of the kind `event`; asked for where it is empty. */
  readonly event?: string;
}

export const measureItems: readonly MeasureItem[] = [
  {
    label: '$(flame) On CPU',
    detail: `Where it computes: its stacks, sampled ${USUAL_HZ} times a second and CPU`,
    measures: 'on-cpu',
    hz: USUAL_HZ,
  },
  {
    label: '$(flame) On CPU, in detail',
    detail: `${DETAILED_HZ} samples a second and CPU, for programs that run for a moment; costs more`,
    measures: 'on-cpu',
    hz: DETAILED_HZ,
  },
  {
    label: '$(watch) Off CPU',
    detail: 'What it waits for: the time that its threads are blocked, by the stack that blocked',
    measures: 'off-cpu',
    hz: USUAL_HZ,
  },
  {
    label: '$(clock) Wall clock, by thread state',
    detail:
      'All time of its threads: running, waiting for a CPU, blocked, waiting for I/O, each by its stack',
    measures: 'wall-clock',
    hz: USUAL_HZ,
  },
  {
    label: '$(database) Page faults',
    detail: 'Where it touches memory that is not there yet: the stack of each page fault',
    measures: 'event',
    hz: USUAL_HZ,
    event: 'page-faults',
  },
  {
    label: '$(zap) Occurrences of an event…',
    detail: 'The stack of each occurrence of a tracepoint, software or hardware event',
    measures: 'event',
    hz: USUAL_HZ,
    event: '',
  },
];
