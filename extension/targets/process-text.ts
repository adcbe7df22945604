/** What the Targets view writes about processes. Pure: data in, strings out. */
import { formatShare } from '../../protocol/format.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

/** The program's name; threads that name themselves (Node's is MainThread) hide what runs there. */
export function processTitle({ command, executable }: ProcessInfo): string {
  const file = executable?.slice(executable.lastIndexOf('/') + 1);
  return command === 'MainThread' && file !== undefined && file !== 'exe' ? file : command;
}

/** `4711 · www · 12 % · Go · debug info`. */
export function processSummary({ pid, user, shareOfCore, language, debugInfo }: ProcessInfo): string {
  return [
    String(pid),
    user,
    shareOfCore === undefined || shareOfCore < 0.001 ? undefined : formatShare(shareOfCore),
    language,
    debugInfo === true ? 'debug info' : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** The same in full sentences, for the tooltip and for screen readers. */
export function processDetails(process: ProcessInfo): string {
  const { pid, user, executable, shareOfCore, language, debugInfo, container, containerName } = process;
  const parts = [
    `Process ${pid} of ${user}${executable === undefined ? ', whose program may not be read' : `: ${executable}`}.`,
    ...(shareOfCore === undefined ? [] : [`${formatShare(shareOfCore)} of a core.`]),
    ...(language === undefined ? [] : [`Written in ${language}, as it seems.`]),
    ...(debugInfo === undefined
      ? []
      : [
          debugInfo
            ? 'Its program file has debug information.'
            : 'Its program file has no debug information of its own; a separate file may.',
        ]),
    ...(container === undefined ? [] : [`In ${containerName ?? container}.`]),
  ];
  return parts.join(' ');
}
