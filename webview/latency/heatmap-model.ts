/** The heatmap worked out without a page: which cell is where, and what it says. */
import { formatCount, formatDuration } from '../../protocol/format.ts';
import type { CallRange, Heatmap } from '../../protocol/latency.ts';

export interface Cell {
  readonly column: number;
  readonly row: number;
}

export const columnsOf = ({ timeNs }: Heatmap): number => timeNs.length - 1;
export const rowsOf = ({ rowNs }: Heatmap): number => rowNs.length - 1;

export const countAt = (map: Heatmap, { column, row }: Cell): number =>
  map.counts[column * rowsOf(map) + row] ?? 0;

/** 0 for none, else 0.15 … 1: by the square root, so that one call beside a thousand is seen. */
export function strength(count: number, most: number): number {
  return count <= 0 ? 0 : 0.15 + 0.85 * Math.sqrt(Math.min(1, count / Math.max(1, most)));
}

/** Where an arrow key leads; undefined for other keys. Up is towards longer latencies. */
export function moved(map: Heatmap, from: Cell | undefined, key: string): Cell | undefined {
  const last = { column: columnsOf(map) - 1, row: rowsOf(map) - 1 };
  const { column, row } = from ?? last;
  const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  switch (key) {
    case 'ArrowLeft':
      return { column: clamp(column - 1, last.column), row };
    case 'ArrowRight':
      return { column: clamp(column + 1, last.column), row };
    case 'ArrowUp':
      return { column, row: clamp(row + 1, last.row) };
    case 'ArrowDown':
      return { column, row: clamp(row - 1, last.row) };
    case 'Home':
      return { column: 0, row };
    case 'End':
      return { column: last.column, row };
    default:
      return undefined;
  }
}

/** The range that two corner cells span. Parts of a second say nothing of latencies: such a range is of time only. */
export function rangeOf(map: Heatmap, a: Cell, b: Cell, latencies: boolean): CallRange {
  const [firstColumn, lastColumn] = [Math.min(a.column, b.column), Math.max(a.column, b.column)];
  const [firstRow, lastRow] = [Math.min(a.row, b.row), Math.max(a.row, b.row)];
  const time = { fromNs: map.timeNs[firstColumn]!, toNs: map.timeNs[lastColumn + 1]! };
  if (latencies) return { ...time, lowNs: map.rowNs[firstRow]!, highNs: map.rowNs[lastRow + 1]! };
  // within one second its part can be told; over several seconds the whole of them is meant
  return firstColumn === lastColumn
    ? { fromNs: time.fromNs + map.rowNs[firstRow]!, toNs: time.fromNs + map.rowNs[lastRow + 1]! }
    : time;
}

/** A cell in words. */
export function describeCell(
  map: Heatmap,
  cell: Cell,
  latencies: boolean,
  clock: (ms: number) => string,
): string {
  const count = Math.round(countAt(map, cell));
  const [low, high] = [map.rowNs[cell.row]!, map.rowNs[cell.row + 1]!];
  const when = clock(map.timeNs[cell.column]! / 1e6 + map.wallClockOffsetMs);
  const what = latencies
    ? `${formatDuration(low, 3)} – ${formatDuration(high, 3)}`
    : `${Math.round(low / 1e6)}–${Math.round(high / 1e6)} ms of that second`;
  return `${when}, ${what}: ${formatCount(count)} ${count === 1 ? 'call' : 'calls'}`;
}
