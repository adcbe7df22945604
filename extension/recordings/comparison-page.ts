/** Two traces side by side, as a page without scripts; pure. */
import { formatCount, formatDuration } from '../../protocol/format.ts';
import type { Comparison } from '../../protocol/latency.ts';
import type { ProbeComparison } from '../core/recording/compare.ts';
import { escapeHtml } from '../webviews/page.ts';

export interface ComparedRecording {
  readonly name: string;
  /** `23 Nov 14:05 · 12 s · this machine` */
  readonly facts: string;
}

/** The page; `cspSource` and `style` are the stylesheet's. */
export function comparisonPage(
  before: ComparedRecording,
  after: ComparedRecording,
  probes: readonly ProbeComparison[],
  { cspSource, style }: { readonly cspSource: string; readonly style: string },
): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${cspSource}">
<link rel="stylesheet" href="${style}"><title>Comparison</title></head>
<body><main>
<h1>Comparison of recordings</h1>
<dl>${described('Before', before)}${described('After', after)}</dl>
${probes.length === 0 ? '<p>Neither holds a probe that had measured anything.</p>' : probes.map(section).join('\n')}
</main></body></html>`;
}

function described(label: string, { name, facts }: ComparedRecording): string {
  return `<dt>${label}</dt><dd>${escapeHtml(name)} <span class="facts">${escapeHtml(facts)}</span></dd>`;
}

function section({ name, binary, countBefore, countAfter, latency }: ProbeComparison): string {
  const rows = [
    row('calls', countBefore, countAfter, formatCount),
    ...(latency?.rows ?? []).map(({ label, beforeNs, afterNs }) =>
      row(label, beforeNs, afterNs, (ns) => formatDuration(ns, 3)),
    ),
  ];
  return `<section><h2>${escapeHtml(name)} <span class="facts">${escapeHtml(binary)}</span></h2>
<table><thead><tr><th scope="col">Figure</th><th scope="col">Before</th><th scope="col">After</th><th scope="col">Difference</th></tr></thead>
<tbody>${rows.join('')}</tbody></table>
<p>${escapeHtml(verdict(latency, countBefore, countAfter))}</p></section>`;
}

function row(
  label: string,
  before: number | undefined,
  after: number | undefined,
  format: (value: number) => string,
): string {
  const cell = (value: number | undefined): string => (value === undefined ? '–' : format(value));
  return `<tr><th scope="row">${label}</th><td>${cell(before)}</td><td>${cell(after)}</td><td>${difference(before, after)}</td></tr>`;
}

/** `+12 %`, with a sign always; from 10 × on as a factor. */
export function difference(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined || before === 0) return '–';
  const share = after / before - 1;
  if (Math.abs(share) < 0.0005) return '±0 %';
  if (share >= 9) return `× ${(after / before).toFixed(0)}`;
  return `${share > 0 ? '+' : '−'}${(100 * Math.abs(share)).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
}

/** What the figures say together; a full sentence. */
export function verdict(
  latency: Comparison | undefined,
  countBefore: number | undefined,
  countAfter: number | undefined,
): string {
  if (countBefore === undefined) return 'The recording before does not hold this probe.';
  if (countAfter === undefined) return 'The recording after does not hold this probe.';
  if (latency === undefined) return 'Latency was not measured in both.';
  const { test } = latency;
  if (test === undefined) return 'There are too few calls, or all took alike: no test tells them apart.';
  const { name, pValue, slower } = test;
  const p = pValue < 0.0001 ? 'p < 0.0001' : `p = ${pValue.toFixed(4)}`;
  const direction = `A call after is slower than one before in ${(100 * slower).toFixed(0)} % of all pairs`;
  return `${name} test on buckets, two-sided: ${p}. ${direction}${pValue < 0.05 ? '.' : ', which may be chance.'}`;
}
