/** What a person does in the workbench: open a file, right-click a word, choose, hover, read. */
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { themes, type Theme } from './studio.ts';

/** Opens a file of the workspace by name, at a line, and waits for its text. */
export async function openFile(page: Page, name: string, line = 1, group = 1): Promise<void> {
  const fileName = name.slice(name.lastIndexOf('/') + 1);
  // a key that is pressed while a webview gives its focus away reaches nobody
  for (let tries = 0; ; tries++) {
    try {
      await page.keyboard.press('Escape');
      // panels are in the second group; code stays in the first
      await page.keyboard.press(`Control+${group}`);
      await page.keyboard.press('Control+P');
      const input = page.locator('.quick-input-widget input');
      await input.waitFor({ timeout: 5000 });
      await input.fill(name);
      // the list is filled while the search goes on, and Enter takes whatever is first: the row that bears the name is clicked
      await page
        .locator(`.quick-input-list .monaco-list-row[aria-label^="${fileName}"]`)
        .first()
        .click({ timeout: 10_000 });
      await page
        .locator('.editor-group-container.active .tab.active', { hasText: fileName })
        .waitFor({ timeout: 10_000 });
      break;
    } catch (error) {
      if (tries === 2) throw error;
    }
  }
  await page.locator('.editor-group-container.active .view-lines .view-line').first().waitFor();
  await goToLine(page, line);
}

export async function goToLine(page: Page, line: number): Promise<void> {
  await page.keyboard.press('Control+G');
  const input = page.locator('.quick-input-widget input');
  await input.waitFor();
  await input.fill(`:${line}`);
  await page.keyboard.press('Enter');
  await input.waitFor({ state: 'hidden' });
}

/** Runs a function's text in the page: its types are the browser's, which the tests' own program does not have. */
async function inPage<Result>(
  page: Page,
  functionText: string,
  ...parameters: readonly unknown[]
): Promise<Result> {
  return page.evaluate<Result>(`(${functionText})(...${JSON.stringify(parameters)})`);
}

// VS Code draws blanks as no-break spaces
const FIND_WORD = `(word, context) => {
  for (const line of document.querySelectorAll('.editor-instance .view-lines .view-line')) {
    const text = line.textContent.replace(/\\u00a0/g, ' ');
    if (!text.includes(context)) continue;
    const start = text.indexOf(word, text.indexOf(context));
    if (start < 0) continue;
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let seen = 0;
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const length = node.textContent.length;
      if (start < seen + length) {
        const range = document.createRange();
        range.setStart(node, start - seen);
        range.setEnd(node, Math.min(length, start - seen + word.length));
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      }
      seen += length;
    }
  }
  return null;
}`;

/** The middle of a word in the visible editor; `context` is text that its line holds. */
export async function wordAt(page: Page, word: string, context: string = word) {
  const at = await inPage<{ x: number; y: number } | null>(page, FIND_WORD, word, context);
  if (at === null) throw new Error(`No visible line holds «${context}» with «${word}»`);
  return at;
}

export async function rightClickWord(page: Page, word: string, context?: string): Promise<void> {
  const at = await wordAt(page, word, context);
  await page.mouse.click(at.x, at.y, { button: 'right' });
  await page.locator('.context-view .monaco-menu').first().waitFor();
}

const menuItem = (page: Page, label: string): Locator =>
  page.locator('.monaco-menu .action-item:not(.disabled)', {
    has: page.locator('.action-label', { hasText: new RegExp(`^${escapeRegExp(label)}$`) }),
  });

/** Walks through an open context menu, submenu by submenu, and chooses the last entry; one that leads further is opened. */
export async function chooseInMenu(page: Page, ...path: readonly string[]): Promise<void> {
  for (const [index, label] of path.entries()) {
    const item = menuItem(page, label).last();
    await item.waitFor();
    await item.hover();
    if (index < path.length - 1) {
      // a submenu opens after a pause, or at once on the arrow key
      await page.keyboard.press('ArrowRight');
      await menuItem(page, path[index + 1] ?? '')
        .last()
        .waitFor();
    } else if ((await item.locator('.submenu-indicator').count()) > 0) {
      await page.keyboard.press('ArrowRight');
      await page.locator('.monaco-submenu .monaco-menu').waitFor();
    } else {
      await item.click();
      // a menu that lies over a webview may lose the click to it; the entry is marked, so Enter takes it
      await page.waitForTimeout(200);
      if ((await menuItem(page, label).count()) > 0) await page.keyboard.press('Enter');
    }
  }
}

/** Labels of the entries in the innermost open menu, separators left out. */
export async function menuLabels(page: Page): Promise<string[]> {
  const labels = await page.locator('.monaco-menu').last().locator('.action-label').allTextContents();
  return labels.filter((label) => label.trim() !== '');
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const READ_OVERLAYS = `() => {
  const texts = [];
  for (const line of document.querySelectorAll('.editor-instance .view-lines .view-line')) {
    const own = line.textContent.replace(/\\u00a0/g, ' ').trim();
    for (const span of line.querySelectorAll('span')) {
      const { content } = getComputedStyle(span, '::after');
      if (content !== 'none' && content !== 'normal' && content !== '""')
        texts.push([own, content.replace(/^"|"$/g, '').replace(/\\u00a0/g, ' ').trim()]);
    }
  }
  return texts;
}`;

/** Text that decorations put after visible lines, by the line's own text: read from the `::after` rules that draw it. */
export async function overlayTexts(page: Page): Promise<ReadonlyMap<string, string>> {
  return new Map(await inPage<[string, string][]>(page, READ_OVERLAYS));
}

/** Waits until the line that holds `lineText` bears an overlay that matches; returns it. */
export async function waitForOverlay(
  page: Page,
  lineText: string,
  pattern: RegExp,
  timeoutMs = 20_000,
): Promise<string> {
  const deadline = Date.now() + timeoutMs;
  let last: ReadonlyMap<string, string> = new Map();
  while (Date.now() < deadline) {
    last = await overlayTexts(page);
    for (const [line, text] of last) if (line.includes(lineText) && pattern.test(text)) return text;
    await page.waitForTimeout(50);
  }
  throw new Error(`No overlay ${pattern} on «${lineText}»; there were ${JSON.stringify([...last])}`);
}

export async function runCommand(page: Page, title: string): Promise<void> {
  // one that was left open would go on with the list that it has
  await page.keyboard.press('Escape');
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget input');
  await input.waitFor();
  await input.fill(`>${title}`);
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  await row.waitFor();
  await row.click();
}

/** Takes the first entry of the open quick pick that holds a text. */
export async function pick(page: Page, text: string): Promise<void> {
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  await row.waitFor();
  await row.click();
}

/** *Preferences: Color Theme*; returns when the workbench has put it on. */
export async function chooseTheme(page: Page, theme: Theme): Promise<void> {
  const { label, className } = themes[theme];
  await runCommand(page, 'Preferences: Color Theme');
  const input = page.locator('.quick-input-widget input');
  await input.waitFor();
  await input.fill(label);
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first();
  await row.waitFor();
  await row.click();
  await page.locator(`.monaco-workbench.${className}`).waitFor();
}

/** Opens Probescope's container in the activity bar, unless it is open: a second click would close it. */
export async function openProbesView(page: Page): Promise<void> {
  const item = page.locator('.activitybar .action-item', {
    has: page.locator('a.action-label[aria-label^="Probescope"]'),
  });
  await item.waitFor();
  const title = page.locator('.sidebar .composite.title h2:visible', { hasText: 'Probescope' }).first();
  // right after a reload the side bar is put together while its item is marked already
  for (let tries = 0; tries < 5 && !(await title.isVisible()); tries++) {
    if (tries > 0 || !/\bchecked\b/.test((await item.getAttribute('class')) ?? '')) await item.click();
    await page.waitForTimeout(1500);
  }
  await title.waitFor();
}

export const treeRows = (page: Page): Locator => page.locator('.sidebar .monaco-list-row');

/** Labels with descriptions of the rows of the side bar's tree. */
export async function treeTexts(page: Page): Promise<string[]> {
  const texts = await treeRows(page).allTextContents();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

/** Waits for a row that matches. */
export async function waitForRow(page: Page, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 20_000;
  let last: string[] = [];
  while (Date.now() < deadline) {
    last = await treeTexts(page);
    if (last.some((text) => pattern.test(text))) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`No row ${pattern}; there were ${JSON.stringify(last)}`);
}

/** A process of this machine in the Targets view, which gets the side bar for itself: its rows change places as it is read anew. */
async function processRow(page: Page, name: string): Promise<Locator> {
  await openProbesView(page);
  await runCommand(page, 'Focus on Targets View');
  const probes = page.locator('.sidebar .pane-header[aria-expanded="true"]', { hasText: 'Probes' });
  if ((await probes.count()) > 0) await probes.click();
  await waitForRow(page, /This Machine/);
  const processes = treeRows(page).filter({ hasText: 'Processes' }).first();
  if ((await processes.getAttribute('aria-expanded')) !== 'true') await processes.click();
  await waitForRow(page, /^\S.*\d+ · root/);
  const row = treeRows(page)
    // not of its source, as a row of Hot Lines is
    .filter({ hasText: new RegExp(`^${name}\\s*\\d+ · `) })
    .first();
  for (let tries = 0; !(await row.isVisible()); tries++) {
    if (tries === 5) throw new Error(`No process ${name}; there were ${(await treeTexts(page)).join(' | ')}`);
    await treeRows(page).filter({ hasText: '· root' }).first().click();
    await page.keyboard.press('Control+f');
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(1000);
  }
  return row;
}

/** The menu of a process in the Targets view: rows that change places may leave another one below the pointer. */
export async function openProcessMenu(page: Page, name: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    await (await processRow(page, name)).click({ button: 'right' });
    await page.locator('.monaco-menu').first().waitFor();
    // the row that a menu is of has the focus
    const meant = await page.locator('.sidebar .monaco-list-row.focused').first().textContent();
    if (meant?.trimStart().startsWith(name) === true) return;
    await page.keyboard.press('Escape');
  }
  throw new Error(`The rows changed places: no menu of ${name} opened.`);
}

/** Opens a row of the side bar's tree, unless it is open. */
export async function expandRow(page: Page, rowText: string): Promise<void> {
  const row = treeRows(page).filter({ hasText: rowText }).first();
  await row.waitFor();
  if ((await row.getAttribute('aria-expanded')) !== 'true') await row.locator('.monaco-tl-twistie').click();
}

/** Clicks one of the buttons that a tree row shows on hover. */
export async function clickRowAction(page: Page, rowText: string, action: string): Promise<void> {
  const row = treeRows(page).filter({ hasText: rowText }).first();
  // the row is drawn anew with each snapshot, and its buttons stand only while the pointer is on it
  for (let tries = 0; ; tries++) {
    try {
      await page.mouse.move(700, 600);
      await row.hover({ timeout: 3000 });
      await row.locator(`.action-label[aria-label="${action}"]`).click({ timeout: 3000 });
      return;
    } catch (error) {
      if (tries === 6) throw error;
    }
  }
}

export async function codeLensTexts(page: Page): Promise<string[]> {
  await page.locator('.codelens-decoration a').first().waitFor();
  return page.locator('.codelens-decoration').allTextContents();
}

/**
 * Points at a word until its hover shows. After a context menu the editor takes the mouse button for still down and shows
 * no hover until the next click; near the word's start, for the text cursor in its middle would be what is pointed at.
 */
export async function hoverWord(page: Page, word: string, context: string): Promise<Locator> {
  const hover = page.locator('.monaco-hover-content:visible', { hasText: 'Probescope' }).first();
  // a hover is given up when its line is drawn anew in that moment, as it is with each snapshot
  for (let tries = 0; ; tries++) {
    const middle = await wordAt(page, word, context);
    await page.mouse.click(middle.x, middle.y);
    const start = await wordAt(page, word.slice(0, 3), context);
    await page.mouse.move(start.x - 4, start.y, { steps: 5 });
    try {
      await hover.waitFor({ timeout: 4000 });
      return hover;
    } catch (error) {
      if (tries === 5) throw error;
      await page.mouse.move(10, 10);
    }
  }
}

/** Reloads the window, as *Developer: Reload Window* does, and waits until it works again. */
export async function reloadWindow(page: Page): Promise<void> {
  await page.reload();
  await page.locator('.monaco-workbench .part.activitybar').waitFor({ timeout: 60_000 });
  await page.locator('.activitybar a.action-label[aria-label^="Probescope"]').waitFor({ timeout: 60_000 });
}

/** The page of the visible webview that has an element: several may be open side by side. */
export async function webviewWith(page: Page, selector: string): Promise<FrameLocator> {
  const frames = page.locator('iframe.webview.ready');
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    for (let i = 0; i < (await frames.count()); i++) {
      const frame = frames.nth(i).contentFrame().frameLocator('#active-frame');
      if ((await frames.nth(i).isVisible()) && (await frame.locator(selector).count()) > 0) return frame;
    }
    await page.waitForTimeout(100);
  }
  throw new Error(`No webview has ${selector}`);
}

/** The page inside the visible webview. */
export function activeWebview(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview.ready:visible').last().frameLocator('#active-frame');
}

export const notifications = (page: Page): Locator =>
  page.locator('.notifications-toasts .notification-list-item');

/** Waits for a message to the user that matches, and returns its text. */
export async function waitForNotification(page: Page, pattern: RegExp): Promise<string> {
  const toast = notifications(page).filter({ hasText: pattern }).first();
  await toast.waitFor({ timeout: 20_000 });
  return (await toast.textContent()) ?? '';
}

/** Presses a button of a message. */
export async function clickInNotification(page: Page, button: RegExp): Promise<void> {
  await notifications(page).locator('.monaco-button', { hasText: button }).first().click();
}

export async function closeNotifications(page: Page): Promise<void> {
  await runCommand(page, 'Notifications: Clear All Notifications');
  await notifications(page).first().waitFor({ state: 'detached' });
}
