import type { FlameOptions } from '../../protocol/flame.ts';
import { frameKinds } from '../../protocol/profile.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { Picture } from '../picture.ts';
import { decimal } from './folded.ts';
import { svgScript, svgStyle } from './svg-script.ts';

const WIDTH = 1200;
const ROW = 17;
const HEAD = 58;
/** Narrower rectangles are left out, as flamegraph.pl does with its --minwidth of 0.1. */
const MIN_WIDTH = 0.1;

const kindColours: Readonly<Record<string, string>> = {
  unknown: '#c8c8c8',
  user: '#e8975a',
  kernel: '#7fa8d8',
  jit: '#86b878',
  inlined: '#e3c567',
};

/** A picture as one SVG file: hover, zoom by click, search by regular expression; nothing is fetched. */
export function exportSvg(
  picture: Picture,
  profile: Profile,
  options: Pick<FlameOptions, 'rootOnTop' | 'diffColours'>,
): string {
  const { layout, names, groups } = picture;
  const { x, total, self, depth, end, frame } = layout;
  const whole = total[0]! || 1;
  const scale = WIDTH / whole;
  const open = new Uint32Array(layout.deepest + 2);
  let deepest = 0;
  const shapes: string[] = [];
  const kept: number[] = [];
  for (let i = 0; i < depth.length;) {
    if (total[i]! * scale < MIN_WIDTH && i > 0) {
      i = end[i]!;
      continue;
    }
    kept.push(i);
    open[depth[i]!] = i;
    deepest = Math.max(deepest, depth[i]!);
    i++;
  }
  const height = HEAD + (deepest + 1) * ROW + 12;
  const change = changeColours(layout.deltaSelf, kept, options.diffColours);
  for (const i of kept) {
    const d = depth[i]!;
    const y = options.rootOnTop ? HEAD + d * ROW : HEAD + (deepest - d) * ROW;
    const name = i === 0 ? 'all' : names[frame[i]!]!;
    const percent = ((100 * total[i]!) / whole).toFixed(2);
    const kind = frameKinds[groups.kind[frame[i]!] ?? 0] ?? 'unknown';
    const delta = layout.delta === undefined ? '' : `, ${signed(layout.delta[i]!)} against the baseline`;
    const title = `${name} (${decimal(total[i]!)} ${profile.unit}, ${percent}%, self ${decimal(self[i]!)}${delta})`;
    const fill = change?.(i) ?? kindColours[kind]!;
    shapes.push(
      `<g data-x="${x[i]! / whole}" data-w="${total[i]! / whole}" data-n="${escapeXml(name)}"><title>${escapeXml(title)}</title>` +
        `<rect x="${(x[i]! * scale).toFixed(2)}" y="${y}" width="${(total[i]! * scale).toFixed(2)}" height="${ROW - 1}" fill="${fill}"/>` +
        `<text x="${(x[i]! * scale + 3).toFixed(2)}" y="${y + 12}"></text></g>`,
    );
  }
  return [
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<style>${svgStyle}</style>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    `<text class="title" x="${WIDTH / 2}" y="22">${escapeXml(profile.title)}</text>`,
    `<text class="button" id="reset" x="10" y="40" tabindex="0" role="button">Reset zoom</text>`,
    `<text class="button" id="search" x="${WIDTH - 10}" y="40" text-anchor="end" tabindex="0" role="button">Search</text>`,
    `<text id="found" x="${WIDTH - 80}" y="40" text-anchor="end"></text>`,
    `<g id="frames">`,
    ...shapes,
    `</g>`,
    `<script><![CDATA[${svgScript(WIDTH)}]]></script>`,
    `</svg>`,
    '',
  ].join('\n');
}

function changeColours(
  delta: Float64Array | undefined,
  kept: readonly number[],
  scheme: FlameOptions['diffColours'],
): ((node: number) => string) | undefined {
  if (delta === undefined) return undefined;
  let largest = 0;
  for (const i of kept) largest = Math.max(largest, Math.abs(delta[i]!));
  const [more, less] =
    scheme === 'red-blue'
      ? [
          [214, 69, 65],
          [66, 115, 200],
        ]
      : [
          [230, 175, 20],
          [120, 70, 160],
        ];
  return (node) => {
    const share = largest === 0 || node === 0 ? 0 : delta[node]! / largest;
    const end = share < 0 ? less : more;
    const strength = Math.abs(share) < 1e-9 ? 0 : 0.15 + 0.85 * Math.abs(share);
    return `rgb(${end.map((value) => Math.round(235 + (value - 235) * strength)).join(',')})`;
  };
}

const signed = (value: number): string =>
  value > 0 ? `+${decimal(value)}` : value < 0 ? `−${decimal(-value)}` : '±0';

/** XML 1.0 forbids control characters even when escaped. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
