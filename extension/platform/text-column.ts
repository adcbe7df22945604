/** What an editor group shows. Columns count from 1, as VS Code's `ViewColumn`. */
export interface EditorGroup {
  readonly column: number;
  readonly shows: 'text' | 'panel' | 'other' | 'nothing';
}

/** VS Code has nine columns at most. */
const MOST_COLUMNS = 9;

/**
 * The column in which source opens from a panel: where text is seen, else a group without a panel, else a new one at the end. A click in a
 * panel must not cover a panel.
 */
export function textColumn(groups: readonly EditorGroup[]): number {
  const free =
    groups.find(({ shows }) => shows === 'text') ??
    groups.find(({ shows }) => shows === 'nothing') ??
    groups.find(({ shows }) => shows === 'other');
  if (free !== undefined) return free.column;
  return Math.min(MOST_COLUMNS, groups.reduce((last, { column }) => Math.max(last, column), 0) + 1);
}
