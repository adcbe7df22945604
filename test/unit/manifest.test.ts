import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const manifestText = readFileSync(resolve(root, 'package.json'), 'utf8');
const nls = JSON.parse(readFileSync(resolve(root, 'package.nls.json'), 'utf8')) as Record<string, string>;

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string }[];
    readonly menus: Readonly<Record<string, readonly { command?: string; submenu?: string }[]>>;
    readonly submenus: readonly { id: string; label: string }[];
    readonly walkthroughs: readonly { steps: readonly { media: { markdown?: string; image?: string } }[] }[];
  };
}
const { contributes } = JSON.parse(manifestText) as Manifest;
const sources = globSync('extension/**/*.ts', { cwd: root })
  .map((file) => readFileSync(resolve(root, file), 'utf8'))
  .join('\n');

test('every %text% of package.json exists in package.nls.json, and none is left over', () => {
  const used = new Set([...manifestText.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1] ?? ''));
  expect([...used].filter((key) => nls[key] === undefined)).toEqual([]);
  expect(Object.keys(nls).filter((key) => !used.has(key))).toEqual([]);
});

test('commands are named probescope.verbNoun, have the category and a title that starts with a capital', () => {
  for (const { command, title, category } of contributes.commands) {
    expect(command).toMatch(/^probescope\.[a-z]+(?:[A-Z][a-zA-Z]*)+$/);
    // the measures stand in a submenu that says what they do; the palette shows its name before theirs
    expect(['Probescope', '%category.traceFunction%'], command).toContain(category);
    expect(nls[title.slice(1, -1)], command).toMatch(/^[A-Z]/);
  }
});

test('every command has a handler, and every handler of a contributed name is contributed', () => {
  const named = new Set(
    [...sources.matchAll(/['"`]probescope\.([a-z]+[A-Z]\w*)['"`]/g)].map((match) => match[1]),
  );
  for (const { command } of contributes.commands)
    expect(named, command).toContain(command.slice('probescope.'.length));
});

test('menus name commands and submenus that exist', () => {
  const commands = new Set(contributes.commands.map(({ command }) => command));
  const submenus = new Set(contributes.submenus.map(({ id }) => id));
  for (const [menu, entries] of Object.entries(contributes.menus))
    for (const { command, submenu } of entries) {
      if (command !== undefined) expect(commands, menu).toContain(command);
      if (submenu !== undefined) expect(submenus, menu).toContain(submenu);
    }
});

test('walkthrough pages and icons exist', () => {
  const files = [
    ...contributes.walkthroughs.flatMap(({ steps }) =>
      steps.map(({ media }) => media.markdown ?? media.image ?? 'missing'),
    ),
    ...[...manifestText.matchAll(/"(media\/[^"]+)"/g)].map((match) => match[1] ?? ''),
  ];
  expect(files.filter((file) => !existsSync(resolve(root, file)))).toEqual([]);
});
