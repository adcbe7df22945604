// `npm start`: set up, start the demo program, open VS Code with Probescope on its sources. Ctrl-C ends all of it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cache, repository } from './node24.mjs';
import { say, setUp } from './setup.ts';

/** Whatever was started, ended in reverse order by Ctrl-C and at the end. */
const endings: (() => Promise<void> | void)[] = [];
let ending: Promise<void> | undefined;

function endEverything(): Promise<void> {
  ending ??= (async () => {
    for (const end of endings.reverse()) await end();
  })();
  return ending;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // Ctrl-C reaches this process twice: from the terminal, and from the one that started it
    if (ending === undefined) say('\nEnding what was started …');
    void endEverything().then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });

/** What hosts without BPF are shown; recorded from the demo program by `npm run record-demo`. */
const shippedRecording = join(repository, 'media', 'demo', 'shop.probescope');

/** The editor on this machine's PATH, unless the variable asks for the browser. */
function ownCode(): string | undefined {
  if (process.env['PROBESCOPE_BROWSER'] === '1') return undefined;
  const found = spawnSync(process.platform === 'win32' ? 'where' : 'which', ['code'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.split('\n')[0]?.trim() : undefined;
}

/** Whether this host can attach a uprobe, found by attaching one; the reason when it cannot. */
function canTrace(): { works: boolean; detail: string } {
  const doctor = spawnSync(process.execPath, [join(repository, 'dist', 'cli.js'), 'doctor', '--json'], {
    encoding: 'utf8',
  });
  try {
    const facts = JSON.parse(doctor.stdout) as {
      abilities?: { uprobe?: { works: boolean; detail: string } };
    };
    return facts.abilities?.uprobe ?? { works: false, detail: 'the doctor said nothing about uprobes' };
  } catch {
    return { works: false, detail: doctor.stderr.trim() || `the doctor ended with ${doctor.status}` };
  }
}

function startDemo(program: string): void {
  const log = openSync(join(cache, 'demo.log'), 'w');
  const demo = spawn(program, [], { stdio: ['ignore', log, log] });
  endings.push(() => endProcess(demo));
  say(`✓ demo: ${program} runs as process ${demo.pid}`);
  demo.on('exit', (code, signal) => {
    if (ending === undefined) say(`✗ demo: ended with ${code ?? signal}; see ${join(cache, 'demo.log')}`);
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await ended;
  clearTimeout(timer);
}

/** Opens the user's own VS Code with a profile of its own, so that nothing of theirs is changed; ends with its window. */
async function openOwnCode(
  code: string,
  vsix: string,
  workspace: string,
  file: string | undefined,
): Promise<void> {
  const profile = [
    '--user-data-dir',
    join(cache, 'code', 'data'),
    '--extensions-dir',
    join(cache, 'code', 'extensions'),
  ];
  // VS Code refuses to run as root without this
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  mkdirSync(join(cache, 'code'), { recursive: true });
  const install = spawnSync(code, [...profile, ...asRoot, '--install-extension', vsix, '--force'], {
    stdio: ['ignore', 2, 2],
  });
  if (install.status !== 0)
    throw new Error(`${code} could not install ${vsix}: it ended with ${install.status}`);
  say(`→ ${code}: opening ${workspace}; close the window or press Ctrl-C to end`);
  const window = spawn(
    code,
    [...profile, ...asRoot, '--new-window', '--wait', workspace, ...(file === undefined ? [] : [file])],
    {
      stdio: ['ignore', 2, 2],
    },
  );
  endings.push(() => endProcess(window));
  await new Promise((resolve) => window.once('exit', resolve));
}

async function openInBrowser(vsix: string, workspace: string, file: string | undefined): Promise<void> {
  const { addressOf, freePort, startCodeServer } = await import('./code-server.ts');
  const password = randomBytes(12).toString('base64url');
  const userDataFolder = join(cache, 'code-server-data');
  mkdirSync(userDataFolder, { recursive: true });
  const logFile = openSync(join(cache, 'code-server.log'), 'w');
  const server = await startCodeServer({
    folder: workspace,
    vsix,
    port: await freePort(),
    password,
    userDataFolder,
    logFile,
  });
  endings.push(() => server.stop());
  // the server opens its folder by itself
  const address =
    file === undefined ? `http://127.0.0.1:${server.port}/` : addressOf(server.port, workspace, file);
  say(
    `\nVS Code with Probescope runs on this machine alone:\n\n  address   ${address}\n  password  ${password}\n`,
  );
  say(
    recording === undefined
      ? 'Open a source file, right-click a function, choose Trace Function. Ctrl-C ends everything.'
      : 'What was recorded stands at its functions, and moves with the time line of the recording. Ctrl-C ends everything.',
  );
  await new Promise((resolve) => server.process.once('exit', resolve));
  if (ending === undefined)
    throw new Error(`code-server ended by itself; see ${join(cache, 'code-server.log')}`);
}

const code = ownCode();
const { missing } = await setUp({ tests: false, browser: code === undefined });
const { vsix } = await import('./package.ts');
const { programOf, sourcesOf } = await import('./workloads.ts');

const folder = sourcesOf('shop');
/** The source with the recording beside it, which wakes the extension: a window that begins with a file has not asked yet whose it is. */
function recordedWorkspace(): string {
  const file = join(cache, 'recorded-demo.code-workspace');
  const folders = [{ path: folder }, { path: dirname(shippedRecording), name: 'recording' }];
  writeFileSync(file, JSON.stringify({ folders }));
  return file;
}

const tracing = canTrace();
const recording = tracing.works ? undefined : shippedRecording;
if (recording === undefined) {
  startDemo(programOf('shop'));
} else {
  say(`✗ tracing does not work on this host: ${tracing.detail}`);
  if (missing.length > 0) say(`  missing: ${missing.join(', ')}`);
  say(
    `→ opening a recording of the demo program instead (${recording}): its figures were measured on another machine`,
  );
}
const workspace = recording === undefined ? folder : recordedWorkspace();
try {
  if (code === undefined) await openInBrowser(vsix, workspace, recording);
  else await openOwnCode(code, vsix, workspace, recording);
} catch (error) {
  say(`✗ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await endEverything();
}
