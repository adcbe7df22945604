/** The columns that every row of a stream begins with, before the fields of its events (`columnsOf` of `helper/sources/tracefs/rows.ts`). */
export const rowColumns = ['time', 'event', 'cpu', 'pid', 'tid', 'comm'] as const;

export const TIME_COLUMN = 0;
export const EVENT_COLUMN = 1;

/**
 * Names of columns in records, where no two may be alike: a field that is called as one of the row's own columns is `pid_2`. In `sched:sched_wakeup`
 * `pid` is the thread's that wakes, `pid_2` the event's field: the thread's that is woken.
 */
export function recordNames(columns: readonly { readonly name: string }[]): string[] {
  const ofRow = new Set<string>(rowColumns);
  return columns.map(({ name }, index) =>
    index >= rowColumns.length && ofRow.has(name) ? `${name}_2` : name,
  );
}
