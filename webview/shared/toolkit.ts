/**
 * The one file that imports the toolkit, so that it can be replaced (it is at its last version).
 * Only the components in use are registered: each costs 5–20 KB in the bundle; `test/unit/bundles.test.ts` guards it.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDataGrid,
  vsCodeDataGridCell,
  vsCodeDataGridRow,
  vsCodeRadio,
  vsCodeRadioGroup,
  type DataGrid,
} from '@vscode/webview-ui-toolkit';

/** Registers `vscode-button`, `-checkbox`, `-radio-group`, `-radio` and `-data-grid`. */
export function registerControls(): void {
  provideVSCodeDesignSystem().register(
    vsCodeButton(),
    vsCodeCheckbox(),
    vsCodeRadioGroup(),
    vsCodeRadio(),
    vsCodeDataGrid(),
    vsCodeDataGridRow(),
    vsCodeDataGridCell(),
  );
}

export interface GridColumn {
  readonly key: string;
  readonly title: string;
}

/** A table of up to 200 rows (above that a virtualised table is due). Rows are replaced, not added to. */
export function fillGrid(
  grid: HTMLElement,
  columns: readonly GridColumn[],
  rows: readonly Readonly<Record<string, string>>[],
): void {
  const target = grid as DataGrid;
  target.columnDefinitions = columns.map(({ key, title }) => ({ columnDataKey: key, title }));
  target.rowsData = [...rows];
}
