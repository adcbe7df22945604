import type { FlameOptions } from '../../protocol/flame.ts';
import { frameKinds } from '../../protocol/profile.ts';
import type { Layout } from '../../profile/layout.ts';
import type { Paint } from './canvas.ts';
import type { GroupFacts } from './channel.ts';
import type { Theme } from './theme.ts';
import { changeFill, shadeOf, TURNS } from './theme.ts';

/** FNV-1a of the text, as a positive number: a name keeps its colour from picture to picture. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** No theme has so many fills. */
const NOT_CHOSEN = 255;

/** Fill index of a group: a hue for what the colours tell, a shade for the name. Chosen when it is first drawn: most never are. */
export function fillsOf(
  groups: GroupFacts,
  colourBy: FlameOptions['colourBy'],
  theme: Theme,
): Paint['fillOfGroup'] {
  const chosen = new Uint8Array(groups.names.length).fill(NOT_CHOSEN);
  const choose = (group: number): number => {
    const shade = hashOf(groups.names[group]!);
    const kind = groups.kind[group] ?? 0;
    if (colourBy === 'kind') return shadeOf(0, kind < frameKinds.length ? kind : 0, shade);
    const key = (colourBy === 'module' ? groups.modules : groups.packages)?.[group] ?? '';
    return shadeOf(theme.hues, hashOf(key) % TURNS, shade);
  };
  return (group) => {
    const known = chosen[group]!;
    return known === NOT_CHOSEN ? (chosen[group] = choose(group)) : known;
  };
}

/**
 * How the nodes of a comparison are coloured: by the change of their own weight (as difffolded.pl does), because by the change
 * of totals everything above a slowed function would be as red as the function. Where children stand for callers, totals.
 */
export function changePaint(
  layout: Layout,
  callers: Layout | undefined,
  options: FlameOptions,
  theme: Theme,
): Paint['fillOfNode'] {
  if (layout.delta === undefined || layout.deltaSelf === undefined) return undefined;
  const byTotals = options.arrangement === 'inverted';
  const column = (of: Layout): Float64Array => (byTotals || of === callers ? of.delta! : of.deltaSelf!);
  let largest = 0;
  for (const each of [layout, callers])
    if (each !== undefined)
      for (let i = 1; i < each.frame.length; i++) largest = Math.max(largest, Math.abs(column(each)[i]!));
  // the difference of two equal shares is not exactly 0 in binary
  const nothing = largest * 1e-9;
  return (pane, node) => {
    const change = node === 0 ? 0 : column(pane.layout)[node]!;
    return changeFill(theme, largest === 0 || Math.abs(change) <= nothing ? 0 : change / largest);
  };
}
