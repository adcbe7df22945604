/** Asks for tags: those in use are offered, and what is typed becomes one. */
import { l10n, QuickPickItemKind, window, type QuickPickItem } from 'vscode';
import { plainLabel } from './texts.ts';

interface TagItem extends QuickPickItem {
  readonly tag: string;
}

/** The tags that are wanted, or undefined when the user would rather not. */
export async function askTags(
  title: string,
  inUse: readonly string[],
  current: readonly string[],
): Promise<string[] | undefined> {
  const { tidyTags } = await import('../core/recording/description.ts');
  const uses = new Map<string, number>();
  for (const tag of [...current, ...inUse]) uses.set(tag, (uses.get(tag) ?? 0) + 1);
  const box = window.createQuickPick<TagItem>();
  box.title = title;
  box.placeholder = l10n.t('Choose tags, or type new ones parted by commas');
  box.canSelectMany = true;
  // labels hold other people's text: a codicon in it would be drawn
  const itemOf = (tag: string, description = ''): TagItem => ({
    label: plainLabel(tag),
    tag,
    description,
  });
  const known = [...uses].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([tag]) => itemOf(tag));
  box.items = known;
  box.selectedItems = known.filter(({ tag }) => current.includes(tag));
  return new Promise((done) => {
    let typed: TagItem[] = [];
    box.onDidChangeValue((text) => {
      const chosen = new Set(box.selectedItems.map(({ tag }) => tag));
      for (const { tag } of typed) chosen.delete(tag);
      typed = tidyTags(text.split(','))
        .filter((tag) => !uses.has(tag))
        .map((tag) => ({ ...itemOf(tag, l10n.t('new tag')), alwaysShow: true }));
      box.items = [...typed, ...(typed.length > 0 ? [separator()] : []), ...known];
      box.selectedItems = box.items.filter((item) => typed.includes(item) || chosen.has(item.tag));
    });
    box.onDidAccept(() => {
      done(tidyTags(box.selectedItems.map(({ tag }) => tag)));
      box.hide();
    });
    box.onDidHide(() => {
      done(undefined);
      box.dispose();
    });
    box.show();
  });
}

function separator(): TagItem {
  return { label: l10n.t('in use'), kind: QuickPickItemKind.Separator, tag: '' };
}
