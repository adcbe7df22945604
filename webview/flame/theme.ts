import { hsl, interpolateRgb, rgb } from 'd3';
import type { RGBColor } from 'd3';
import type { FlameOptions } from '../../protocol/flame.ts';
import { frameKinds } from '../../protocol/profile.ts';

/** Shades a hue: neighbours of one kind can be told apart, and a name keeps its shade from picture to picture. */
const SHADES = 6;
const STEPS = 9;

/** Everything drawn on a canvas, resolved from VS Code's variables; read anew when the theme changes. */
export interface Theme {
  readonly background: string;
  readonly foreground: string;
  readonly focus: string;
  readonly tail: string;
  readonly match: string;
  readonly matchText: string;
  readonly dimmed: string;
  readonly dimmedText: string;
  readonly border: string | undefined;
  /** Fills by colour index, and the text that reads on each. */
  readonly fills: readonly string[];
  readonly texts: readonly string[];
  /** First colour index of each hue: one for each frame kind, then the hues that modules and packages get in turn. */
  readonly hues: number;
  /** First colour index of the scale for differences: {@link STEPS} colours from less to more. */
  readonly changes: number;
  readonly fontPx: number;
  readonly font: string;
  readonly highContrast: boolean;
}

const kindColours: Record<(typeof frameKinds)[number], string> = {
  unknown: '--vscode-charts-foreground',
  user: '--vscode-charts-orange',
  kernel: '--vscode-charts-blue',
  jit: '--vscode-charts-green',
  inlined: '--vscode-charts-yellow',
};
const turns = [
  '--vscode-charts-orange',
  '--vscode-charts-blue',
  '--vscode-charts-green',
  '--vscode-charts-purple',
  '--vscode-charts-yellow',
  '--vscode-charts-red',
];

/** Reads the theme from the page. Colours that a theme does not set fall back to its foreground. */
export function readTheme(options: Pick<FlameOptions, 'diffColours'>): Theme {
  const style = getComputedStyle(document.body);
  const variable = (name: string): string => style.getPropertyValue(name).trim();
  const background = variable('--vscode-editor-background') || 'Canvas';
  const foreground = variable('--vscode-editor-foreground') || 'CanvasText';
  const ground = resolved(background);
  const highContrast =
    document.body.classList.contains('vscode-high-contrast') ||
    document.body.classList.contains('vscode-high-contrast-light');
  const colour = (name: string): RGBColor => resolved(variable(name) || foreground);
  const dark = lightness(ground) < 0.5;
  const fills: string[] = [];
  // half into the background: a full screen of pure chart colours is painful, and text must read on it
  const hue = (base: RGBColor): void => {
    for (let shade = 0; shade < SHADES; shade++)
      fills.push(interpolateRgb(base, ground)((dark ? 0.3 : 0.42) + (0.26 * shade) / (SHADES - 1)));
  };
  for (const kind of frameKinds) hue(colour(kindColours[kind]));
  for (const name of turns) hue(colour(name));
  const changes = fills.length;
  const [less, more] =
    options.diffColours === 'red-blue'
      ? [colour('--vscode-charts-blue'), colour('--vscode-charts-red')]
      : [colour('--vscode-charts-purple'), colour('--vscode-charts-yellow')];
  const neutral = interpolateRgb(ground, foreground)(0.16);
  for (let step = 0; step < STEPS; step++) {
    const share = (2 * step) / (STEPS - 1) - 1;
    const strength = Math.abs(share) ** 0.8;
    fills.push(interpolateRgb(neutral, share < 0 ? less : more)(strength * 0.9));
  }
  const fontPx = 11;
  return {
    background,
    foreground,
    focus: variable('--vscode-focusBorder') || foreground,
    tail: interpolateRgb(ground, foreground)(0.22),
    match: variable('--vscode-editor-findMatchBackground') || colour('--vscode-charts-purple').formatHex(),
    matchText: readable(
      resolved(
        variable('--vscode-editor-findMatchBackground') || colour('--vscode-charts-purple').formatHex(),
        ground,
      ),
      ground,
      foreground,
    ),
    dimmed: interpolateRgb(ground, foreground)(0.1),
    dimmedText: interpolateRgb(ground, foreground)(0.5),
    border: variable('--vscode-contrastBorder') || undefined,
    fills,
    texts: fills.map((fill) => readable(resolved(fill), ground, foreground)),
    hues: frameKinds.length * SHADES,
    changes,
    fontPx,
    font: `${fontPx}px ${variable('--vscode-editor-font-family') || 'monospace'}`,
    highContrast,
  };
}

/** Index of the fill for something of `hue` (0 … of its table) whose name hashes to `hash`. */
export function shadeOf(firstIndex: number, hue: number, hash: number): number {
  return firstIndex + hue * SHADES + (hash % SHADES);
}

export const TURNS = turns.length;

/** Fill for a change: `share` of the largest change, -1 … 1. */
export function changeFill(theme: Theme, share: number): number {
  const middle = (STEPS - 1) / 2;
  let step = Math.round(middle + share * middle);
  // the neutral colour means no change, and nothing else
  if (step === middle && share !== 0) step += share > 0 ? 1 : -1;
  return theme.changes + Math.max(0, Math.min(STEPS - 1, step));
}

/** A colour as the page computes it, laid on `under` where it is transparent. */
function resolved(colour: string | RGBColor, under?: RGBColor): RGBColor {
  const parsed = rgb(colour as string);
  if (Number.isNaN(parsed.r)) return rgb(127, 127, 127);
  if (under === undefined || parsed.opacity >= 1) return parsed;
  const opaque = rgb(parsed.r, parsed.g, parsed.b);
  return rgb(interpolateRgb(under, opaque)(parsed.opacity));
}

function lightness(colour: RGBColor): number {
  return hsl(colour).l;
}

/** Relative luminance (WCAG 2.2). */
function luminance({ r, g, b }: RGBColor): number {
  const linear = (value: number): number => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** Of the theme's background and foreground, the one that reads better on `fill`; black or white when neither reaches 4.5:1. */
function readable(fill: RGBColor, background: RGBColor, foreground: string): string {
  const contrast = (colour: RGBColor): number => {
    const [a, b] = [luminance(fill), luminance(colour)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const candidates = [resolved(foreground), background];
  const best = candidates.sort((a, b) => contrast(b) - contrast(a))[0]!;
  if (contrast(best) >= 4.5) return best.formatHex();
  return contrast(rgb(0, 0, 0)) > contrast(rgb(255, 255, 255)) ? '#000000' : '#ffffff';
}
