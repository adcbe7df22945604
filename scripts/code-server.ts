// VS Code in a browser, for hosts without a VS Code of their own and for the end-to-end tests: code-server from npm.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cache } from './node24.mjs';

/** The version that the tests were written against (VS Code 1.139.1). */
const VERSION = '4.139.1';
const prefix = join(cache, `code-server-${VERSION}`);
const packageFolder = join(prefix, 'node_modules', 'code-server');
const entry = join(packageFolder, 'out', 'node', 'entry.js');
const installedMark = join(prefix, 'installed');

export function codeServerInstalled(): boolean {
  return existsSync(installedMark);
}

/**
 * Fetches code-server into the cache. Its own post-install step builds native modules that the workbench, the
 * extension host, trees and webviews do not need, so scripts stay off and the dependencies of the bundled VS Code
 * are fetched in the two folders that name them.
 */
export function installCodeServer(): void {
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true });
  const npm = (cwd: string, ...args: string[]) => {
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', ['install', ...flags, ...args], { cwd, stdio: ['ignore', 2, 2] });
    if (status !== 0)
      throw new Error(`code-server could not be installed: npm ended with ${status} in ${cwd}`);
  };
  npm(prefix, '--prefix', prefix, `code-server@${VERSION}`);
  npm(join(packageFolder, 'lib', 'vscode'), '--omit=dev');
  npm(join(packageFolder, 'lib', 'vscode', 'extensions'), '--omit=dev');
  buildLogger();
  writeFileSync(installedMark, `${VERSION}\n`);
}

/**
 * Compiles the one native module that is missed: without `@vscode/spdlog` output channels write nothing, and *Show Log*
 * shows an empty page. Its two files need the headers that Node's own package brings; node-gyp would also need Python.
 */
function buildLogger(): void {
  const folder = join(packageFolder, 'lib', 'vscode', 'node_modules', '@vscode', 'spdlog');
  const bin = dirname(realpathSync(process.execPath));
  const headers = [
    join(bin, '..', 'include', 'node'),
    join(bin, '..', 'node_modules', `node-linux-${process.arch}`, 'include', 'node'),
  ].find((path) => existsSync(join(path, 'node_api.h')));
  const napi = [join(folder, 'node_modules'), join(folder, '..', '..')]
    .map((path) => join(path, 'node-addon-api'))
    .find((path) => existsSync(join(path, 'napi.h')));
  if (headers === undefined || napi === undefined || process.platform !== 'linux') return;
  mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
  const defines = ['NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', 'NAPI_CPP_EXCEPTIONS', 'FMT_CONSTEVAL='];
  const includes = [headers, napi, join(folder, 'deps', 'spdlog', 'include')];
  const { status } = spawnSync(
    'g++',
    [
      ...['-shared', '-fPIC', '-O2', '-std=c++20', '-pthread', '-w'],
      ...defines.map((name) => `-D${name}`),
      ...includes.map((path) => `-I${path}`),
      ...['src/main.cc', 'src/logger.cc', '-o', join('build', 'Release', 'spdlog.node')],
    ],
    { cwd: folder, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0)
    process.stderr.write(
      '  The logger of code-server could not be compiled: output channels will be empty.\n',
    );
}

/** A TCP port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the loopback interface gave no port');
  return address.port;
}

export interface CodeServer {
  readonly port: number;
  readonly process: ChildProcess;
  /** Where the user's settings, logs and extensions lie; a folder of its own unless one was given. */
  readonly userDataFolder: string;
  stop(): Promise<void>;
}

export interface CodeServerOptions {
  /** The folder or workspace file that is opened. */
  readonly folder: string;
  /** The packaged extension. */
  readonly vsix: string;
  readonly port: number;
  /** Without a password there is no authentication at all: for tests only. */
  readonly password?: string;
  readonly userDataFolder?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log goes; inherited standard error when absent. */
  readonly logFile?: number;
  readonly workspaceTrust?: boolean;
}

/** Where a browser finds a server of this machine with a folder or workspace file, and with a file of it in front. */
export function addressOf(port: number, folder: string, file?: string): string {
  const query = new URLSearchParams({
    [folder.endsWith('.code-workspace') ? 'workspace' : 'folder']: folder,
    ...(file === undefined
      ? {}
      : { payload: JSON.stringify([['openFile', `vscode-remote://127.0.0.1:${port}${file}`]]) }),
  });
  return `http://127.0.0.1:${port}/?${query.toString()}`;
}

/** Starts code-server and waits until it answers; throws when it ends or stays silent for 30 s. */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  const ownFolder = options.userDataFolder === undefined;
  const userDataFolder = options.userDataFolder ?? mkdtempSync(join(tmpdir(), 'probescope-code-server-'));
  const extensions = join(userDataFolder, 'extensions');
  mkdirSync(extensions, { recursive: true });
  installVsix(options.vsix, userDataFolder, extensions);
  const settings = {
    'workbench.startupEditor': 'none',
    'security.workspace.trust.startupPrompt': 'never',
    // the whole window is for the code and what is measured of it
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'chat.disableAIFeatures': true,
    'git.openRepositoryInParentFolders': 'never',
    ...options.settings,
  };
  // settings of the scope `machine` are read from the second alone
  for (const name of ['User', 'Machine']) {
    mkdirSync(join(userDataFolder, name), { recursive: true });
    writeFileSync(join(userDataFolder, name, 'settings.json'), JSON.stringify(settings, null, 2));
  }

  const child = spawn(
    process.execPath,
    [
      entry,
      ...['--auth', options.password === undefined ? 'none' : 'password'],
      ...['--bind-addr', `127.0.0.1:${options.port}`],
      ...['--user-data-dir', userDataFolder, '--extensions-dir', extensions],
      ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
      ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
      options.folder,
    ],
    {
      // its own group, so that the extension host and whatever it started end with it
      detached: true,
      stdio: ['ignore', options.logFile ?? 2, options.logFile ?? 2],
      env: {
        ...process.env,
        ...options.env,
        ...(options.password === undefined ? {} : { PASSWORD: options.password }),
      },
    },
  );
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      signalGroup(child, 'SIGTERM');
      await Promise.race([ended, delay(3000)]);
      signalGroup(child, 'SIGKILL');
    }
    if (ownFolder) rmSync(userDataFolder, { recursive: true, force: true });
  };
  const deadline = Date.now() + 30_000;
  while (!(await answers(options.port))) {
    if (child.exitCode !== null)
      throw new Error(`code-server ended with ${child.exitCode} before it answered`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error('code-server did not answer within 30 s');
    }
    await delay(100);
  }
  return { port: options.port, process: child, userDataFolder, stop };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // the group has ended already
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
  } catch {
    return false;
  }
}

/** Installs the packaged extension the way a user does, so that what was left out of the package is missed. */
function installVsix(vsix: string, userDataFolder: string, extensionsFolder: string): void {
  const folders = ['--user-data-dir', userDataFolder, '--extensions-dir', extensionsFolder];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [entry, ...folders, '--install-extension', vsix, '--force'],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${vsix} could not be installed (exit ${status}): ${stdout}${stderr}`);
}
