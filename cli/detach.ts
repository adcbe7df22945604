import { detachEverything } from '../helper/detach/detach.ts';
import { rootPrefix } from '../helper/privilege/root-prefix.ts';
import type { DetachReport } from '../protocol/detach.ts';
import { exitCodes, parseCommandLine, parsePid, UsageError, type Command } from './command.ts';

export const detachCommand: Command = {
  usage: `usage: probescope detach [--helper PID] [--json]

Ends everything that Probescope started on this host for this user: engines, their supervisors, helpers, and what they
defined in tracefs. Needs nothing of them, so it works when a helper hangs or is stopped.
  --helper PID   only this helper and what it started, and what nobody owns any more

Exit 0 when nothing is left, 1 when something is.`,

  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      helper: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
    const report = await detachEverything(
      values.helper === undefined ? { kind: 'all' } : { kind: 'helper', pid: parsePid(values.helper) },
      { elevate: rootPrefix, log: () => undefined },
    );
    process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : asText(report));
    return report.left.length === 0 && report.groupsLeft.length === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function asText({ ended, left, groupsLeft, tracefs }: DetachReport): string {
  const lines = [
    ...ended.map(({ pid, command }) => `ended  ${pid} ${command}`),
    ...left.map(({ pid, command }) => `left   ${pid} ${command}: another user's, or the kernel holds it`),
    ...groupsLeft.map((group) => `left   ${group} in uprobe_events`),
  ];
  if (ended.length + left.length + groupsLeft.length === 0) lines.push('Nothing was attached.');
  if (tracefs !== undefined) lines.push(`tracefs was not looked at: ${tracefs.message}`);
  return `${lines.join('\n')}\n`;
}
