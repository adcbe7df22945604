import { frameKinds } from '../../protocol/profile.ts';
import type { Profile } from '../../protocol/profile.ts';
import { groupFrames } from '../groups.ts';
import { textAt } from '../strings.ts';
import { totalsOf } from '../totals.ts';

/** A line a function, heaviest own weight first; quoted as RFC 4180 says, totals counting each stack once. */
export function exportCsv(profile: Profile): string {
  const groups = groupFrames(profile, 'function');
  const { self, total } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
  const order = groups.name.map((_, group) => group).slice(1);
  order.sort((a, b) => self[b]! - self[a]! || total[b]! - total[a]! || a - b);
  const { frames, strings } = profile;
  const lines = [`function,module,file,line,kind,self_${profile.unit},total_${profile.unit}`];
  for (const group of order) {
    const frame = groups.frame[group]!;
    lines.push(
      [
        quoted(groups.name[group]!),
        quoted(textAt(strings, frames.module[frame]!)),
        quoted(textAt(strings, frames.file[frame]!)),
        frames.line[frame] === 0 ? '' : String(frames.line[frame]),
        frameKinds[frames.kind[frame]!] ?? 'unknown',
        String(self[group]),
        String(total[group]),
      ].join(','),
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** A leading `=`, `+`, `-` or `@` would run as a formula in a spreadsheet. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
