/**
 * A real VS Code for one journey: code-server with the packaged extension, and a headless Chromium that shows it.
 * Everything lies in folders of its own and ends with `close()`.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { beforeEach } from 'vitest';
import {
  addressOf,
  codeServerInstalled,
  freePort,
  startCodeServer,
  type CodeServer,
} from '../../scripts/code-server.ts';
import { vsix } from '../../scripts/package.ts';
import { treeOf, type ProcessRow } from './processes.ts';

const root = resolve(import.meta.dirname, '../..');
export const artefacts = join(root, 'test-artefacts');

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim())
  .find((path) => path !== '');

/** Why no end-to-end test can run here, or undefined. */
export function whyNoStudio(): string | undefined {
  if (CHROMIUM === undefined) return 'chromium is not installed';
  if (!codeServerInstalled()) return 'code-server is not in the cache; `npm test` fetches it';
  if (!existsSync(vsix)) return 'dist/probescope.vsix is missing; `npm run package` writes it';
  return undefined;
}

/** Of every test of a file: skips it with the reason why there is no studio, and takes a picture of one that fails. */
export function skipOrShow(studio: () => Studio | undefined, whyNot: () => string | undefined): void {
  beforeEach((context) => {
    const reason = whyNot();
    if (reason !== undefined) context.skip(reason);
    context.onTestFailed(() => studio()?.screenshot(`failed ${context.task.name}`));
  });
}

/** VS Code's own: as the setting calls them, as the list does, and the workbench's class that tells which is on. */
export const themes = {
  light: { id: 'Default Light Modern', label: 'Light Modern', className: 'vs' },
  'high-contrast': { id: 'Default High Contrast', label: 'Dark High Contrast', className: 'hc-black' },
  // last: other screenshots are looked at in it
  dark: { id: 'Default Dark Modern', label: 'Dark Modern', className: 'vs-dark' },
} as const;
export type Theme = keyof typeof themes;
export const themeNames = Object.keys(themes) as Theme[];

export interface StudioOptions {
  readonly folder: string;
  /** The window begins with this file. */
  readonly file?: string;
  readonly theme?: Theme;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Workspace trust is on, and this workspace is not trusted. */
  readonly restricted?: boolean;
}

export class Studio {
  readonly page: Page;
  readonly server: CodeServer;
  readonly #browser: Browser;
  readonly #logFile: number;

  constructor(page: Page, server: CodeServer, browser: Browser, logFile: number) {
    this.page = page;
    this.server = server;
    this.#browser = browser;
    this.#logFile = logFile;
  }

  /** Writes `test-artefacts/NAME.png`. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(artefacts, { recursive: true });
    await this.page.screenshot({ path: join(artefacts, `${name}.png`) });
  }

  /** The text of the extension's own output channel so far. */
  log(): string {
    return logFiles(join(this.server.userDataFolder, 'logs'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
  }

  /** Processes in which extensions run. */
  extensionHosts(): readonly ProcessRow[] {
    const { pid } = this.server.process;
    return pid === undefined
      ? []
      : treeOf(pid).filter(({ commandLine }) => commandLine.includes('--type=extensionHost'));
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.stop();
    closeSync(this.#logFile);
  }
}

function logFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('Probescope.log'))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
}

/** Settings that keep the workbench still: nothing opens, asks or updates by itself. */
const quiet = {
  'telemetry.telemetryLevel': 'off',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'window.menuBarVisibility': 'classic',
  'window.commandCenter': false,
  'editor.minimap.enabled': false,
  'editor.accessibilitySupport': 'off',
  'git.enabled': false,
  'files.autoSave': 'off',
  'extensions.ignoreRecommendations': true,
  'files.watcherExclude': { '**': true },
};

/** A workbench that has just opened does not know yet that it trusts its folder: the palette lists what needs trust once it does. */
async function untilTrusted(page: Page): Promise<void> {
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: 'Profile Process' }).first();
  for (let tries = 0; !(await row.isVisible()); tries++) {
    if (tries === 30) throw new Error('The workbench does not trust its folder.');
    await page.keyboard.press('Escape');
    await page.keyboard.press('F1');
    const input = page.locator('.quick-input-widget input');
    await input.waitFor();
    await input.fill('>Profile Process');
    await row.waitFor({ timeout: 2000 }).catch(() => undefined);
  }
  await page.keyboard.press('Escape');
}

export async function openStudio(options: StudioOptions): Promise<Studio> {
  mkdirSync(artefacts, { recursive: true });
  const logFile = openSync(join(artefacts, 'code-server.log'), 'a');
  const server = await startCodeServer({
    folder: options.folder,
    vsix,
    port: await freePort(),
    logFile,
    workspaceTrust: options.restricted === true,
    settings: {
      ...quiet,
      'workbench.colorTheme': themes[options.theme ?? 'dark'].id,
      ...options.settings,
    },
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const browser = await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    headless: true,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update', '--lang=en'],
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US' });
  const page = await context.newPage();
  const studio = new Studio(page, server, browser, logFile);
  try {
    await page.goto(addressOf(server.port, options.folder, options.file));
    await page.locator('.monaco-workbench .part.activitybar').waitFor({ timeout: 60_000 });
    if (options.restricted !== true) await untilTrusted(page);
  } catch (error) {
    await studio.screenshot('failed-to-open').catch(() => undefined);
    await studio.close();
    throw error;
  }
  return studio;
}
