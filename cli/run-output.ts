import type { HistBucket, ScriptMap } from '../protocol/script.ts';

const BAR = 52;

/** A map as text, in bpftrace's own manner: `@name[key]: value`, histograms with bars. */
export function mapText(map: ScriptMap): string {
  const title = (key: string): string => `${map.name}${map.keyed ? `[${key}]` : ''}:`;
  const lines: string[] = [];
  switch (map.kind) {
    case 'values':
      for (const [index, key] of map.keys.entries()) lines.push(`${title(key)} ${map.texts[index] ?? ''}`);
      break;
    case 'stats':
      for (const { key, average, count, sum } of map.entries)
        lines.push(
          count === undefined
            ? `${title(key)} ${average}`
            : `${title(key)} count ${count}, average ${average}, total ${sum ?? ''}`,
        );
      break;
    case 'hist':
      for (const { key, buckets } of map.series) lines.push(title(key), ...histogram(buckets), '');
      break;
    case 'tseries':
      for (const { key, points } of map.series) {
        lines.push(title(key));
        for (const { startMs, value } of points)
          lines.push(`  ${new Date(startMs).toISOString().slice(11, 23)}  ${value ?? '-'}`);
      }
  }
  return `${lines.join('\n')}\n`;
}

function histogram(buckets: readonly HistBucket[]): string[] {
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  return buckets.map(({ low, high, count }) => {
    const range = `[${low ?? '…'}, ${high ?? '…'}]`;
    const bar = '@'.repeat(Math.round((count / most) * BAR)).padEnd(BAR);
    return `${range.padEnd(24)} ${String(count).padStart(10)} |${bar}|`;
  });
}
