import type { FlameFrame } from '../../protocol/flame.ts';
import type { WeightUnit } from '../../protocol/profile.ts';
import { pathTo } from '../../profile/layout.ts';
import type { Layout } from '../../profile/layout.ts';
import type { GroupFacts, ProfileFacts } from './channel.ts';
import { formatChange, formatNumber, formatShare, formatWeight } from '../../profile/weights.ts';

/** What a frame's texts are made from. */
export interface Described {
  readonly groups: GroupFacts;
  readonly unit: WeightUnit;
  readonly profileTotal: number;
}

export function nameOf(layout: Layout, node: number, groups: GroupFacts): string {
  return node === 0 ? 'all' : groups.names[layout.frame[node]!]!;
}

/** A frame as the host's commands want it. */
export function frameOf(layout: Layout, node: number, groups: GroupFacts): FlameFrame {
  const group = layout.frame[node]!;
  const module = groups.modules[group] ?? '';
  const file = groups.files[group] ?? '';
  const line = groups.lines[group] ?? 0;
  return {
    function: groups.names[group] ?? '',
    ...(module === '' ? {} : { module }),
    ...(file === '' ? {} : { place: { file, line: Math.max(1, line) } }),
  };
}

/** The tooltip: name, weights, where the code is. */
export function linesOf(layout: Layout, node: number, { groups, unit, profileTotal }: Described): string[] {
  const total = layout.total[node]!;
  const self = layout.self[node]!;
  const lines = [nameOf(layout, node, groups)];
  if (node === 0) {
    lines.push(`${formatWeight(total, unit)} · ${formatShare(total, profileTotal)} of the profile`);
  } else {
    const shown = layout.total[0]!;
    const share = formatShare(total, shown);
    lines.push(`total ${formatWeight(total, unit)} · ${share} of what is shown`);
    lines.push(`self ${formatWeight(self, unit)} · ${formatShare(self, shown)}`);
    if (shown < profileTotal) lines.push(`${formatShare(total, profileTotal)} of the whole profile`);
  }
  if (layout.delta !== undefined && layout.deltaSelf !== undefined) {
    lines.push(
      `against the baseline ${formatChange(layout.delta[node]!, unit)}, self ${formatChange(layout.deltaSelf[node]!, unit)}`,
    );
  }
  const { module, place } = frameOf(layout, node, groups);
  if (place !== undefined && node !== 0) lines.push(`${place.file}:${place.line}`);
  if (module !== undefined && node !== 0) lines.push(module);
  return lines;
}

/** One line for status bar and screen reader. */
export function sentenceOf(layout: Layout, node: number, described: Described): string {
  const [name, ...rest] = linesOf(layout, node, described);
  return `${name!}: ${rest.join(', ')}`;
}

/** The stack of a node as text, innermost frame first, with its weight: for the clipboard. */
export function stackText(layout: Layout, node: number, { groups, unit }: Described): string {
  const frames = pathTo(layout, node).slice(1).reverse();
  const lines = frames.map((each) => {
    const { function: name, module, place } = frameOf(layout, each, groups);
    return `  ${name}${place === undefined ? '' : ` (${place.file}:${place.line})`}${module === undefined ? '' : ` [${module}]`}`;
  });
  return [formatWeight(layout.total[node]!, unit), ...lines, ''].join('\n');
}

/** All that is shown, in one line. */
export function summaryOf(
  { title, unit }: Pick<ProfileFacts, 'title' | 'unit'>,
  picture: { readonly layout: Layout; readonly shownTotal: number; readonly profileTotal: number },
): string {
  const { layout, shownTotal, profileTotal } = picture;
  const part = shownTotal < profileTotal ? ` (${formatShare(shownTotal, profileTotal)} of the profile)` : '';
  return `${title}: ${formatWeight(shownTotal, unit)}${part}, ${formatNumber(layout.frame.length - 1)} frames`;
}
