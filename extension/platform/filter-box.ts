import { window } from 'vscode';

/** A view whose rows can be narrowed by a text; the empty text shows all. */
interface FilteredView {
  readonly filter: string;
  setFilter(text: string): void;
}

/** Asks for a view's filter, which narrows it with each key. Enter keeps it; Escape brings back the one before. */
export function askForFilter(view: FilteredView, placeholder: string): void {
  const box = window.createInputBox();
  const before = view.filter;
  box.placeholder = placeholder;
  box.value = before;
  let kept = false;
  box.onDidChangeValue((text) => {
    view.setFilter(text);
  });
  box.onDidAccept(() => {
    kept = true;
    box.hide();
  });
  box.onDidHide(() => {
    if (!kept) view.setFilter(before);
    box.dispose();
  });
  box.show();
}
