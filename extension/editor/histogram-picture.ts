import type { BucketCounts } from '../../protocol/buckets.ts';
import { formatDuration } from '../../protocol/format.ts';
import { toBars } from '../../protocol/histogram.ts';

/** Colours of a picture that cannot read the theme's variables: an image in a hover has no access to them. */
export interface PictureColours {
  readonly bar: string;
  readonly text: string;
  readonly mark: string;
}

export const pictureColours: Record<
  'dark' | 'light' | 'highContrastDark' | 'highContrastLight',
  PictureColours
> = {
  dark: { bar: '#4aa0e6', text: '#c5c5c5', mark: '#f48771' },
  light: { bar: '#1a6fb5', text: '#3b3b3b', mark: '#b8321c' },
  highContrastDark: { bar: '#6fc3ff', text: '#ffffff', mark: '#ffb000' },
  highContrastLight: { bar: '#0f4a85', text: '#000000', mark: '#9b1b00' },
};

export interface PictureMark {
  readonly label: string;
  readonly durationNs: number;
}

const WIDTH = 320;
const HEIGHT = 74;
const TOP = 16;
const BASE = 58;
/** 7 pixels a bar. */
const MAX_BARS = 44;
const LABEL_GAP = 34;

/** A histogram on a logarithmic axis as SVG text; lengths in pixels. Empty histograms give a picture without bars. */
export function histogramSvg(
  buckets: BucketCounts,
  marks: readonly PictureMark[],
  colours: PictureColours,
): string {
  const bars = toBars(buckets, 'log', MAX_BARS);
  const low = Math.log2(Math.max(1, bars[0]?.lowNs ?? 1));
  const high = Math.log2(Math.max(2, bars.at(-1)?.highNs ?? 2));
  const x = (ns: number): number => ((Math.log2(Math.max(1, ns)) - low) / (high - low)) * WIDTH;
  const tallest = Math.max(1, ...bars.map((bar) => bar.count));
  const rects = bars
    .filter((bar) => bar.count > 0)
    .map((bar) => {
      const height = Math.max(1.5, (bar.count / tallest) * (BASE - TOP));
      const left = x(bar.lowNs);
      return `<rect x="${px(left)}" y="${px(BASE - height)}" width="${px(Math.max(1, x(bar.highNs) - left - 1))}" height="${px(height)}"/>`;
    });
  const ends = [
    `<text x="0" y="71">${formatDuration(bars[0]?.lowNs ?? 0)}</text>`,
    `<text x="${WIDTH}" y="71" text-anchor="end">${formatDuration(bars.at(-1)?.highNs ?? 0)}</text>`,
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<g fill="${colours.bar}">${rects.join('')}</g>`,
    `<path d="M0 ${BASE + 0.5}H${WIDTH}" stroke="${colours.text}"/>`,
    markLines(marks, x, colours.mark),
    `<g fill="${colours.text}">${ends.join('')}</g>`,
    '</svg>',
  ].join('');
}

/** Vertical lines with their labels; a label that would lie on the one before is left out, its line stays. */
function markLines(marks: readonly PictureMark[], x: (ns: number) => number, colour: string): string {
  let free = 0;
  const drawn = marks.map(({ label, durationNs }) => {
    const at = Math.min(WIDTH - 1, Math.max(1, x(durationNs)));
    const line = `<path d="M${px(at)} 3V${BASE}" stroke="${colour}"/>`;
    const atEnd = at > WIDTH - LABEL_GAP;
    const start = atEnd ? at - LABEL_GAP + 6 : at + 3;
    if (start < free) return line;
    free = start + LABEL_GAP - 6;
    return `${line}<text x="${px(atEnd ? at - 3 : start)}" y="11"${atEnd ? ' text-anchor="end"' : ''} fill="${colour}" stroke="none">${label}</text>`;
  });
  return drawn.join('');
}

const px = (value: number): string => value.toFixed(1).replace(/\.0$/, '');

/** The picture as an image address; base64, for a hover refuses inline `<svg>` and mistakes `#` in plain text. */
export function svgDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
