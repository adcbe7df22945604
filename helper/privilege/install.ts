import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProbeError } from '../../protocol/errors.ts';
import { findProgram } from './privilege.ts';
import { isUserName, SUDOERS_PATH, sudoersText, WRAPPER_PATH, wrapperText } from './wrapper.ts';

/** A file that installing writes, root-owned. */
export interface PlannedFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** What would be installed for a user. Throws `invalid-argument`, or `engine-missing` without bpftrace. */
export async function plannedFiles(user: string): Promise<PlannedFile[]> {
  if (!isUserName(user))
    throw new ProbeError({
      code: 'invalid-argument',
      message: `“${user}” is not a login name that goes into a sudoers rule.`,
      remedy: 'Give the name of one ordinary user, as id prints it.',
    });
  const bpftrace = await findProgram('bpftrace');
  if (bpftrace === undefined)
    throw new ProbeError({
      code: 'engine-missing',
      message: 'bpftrace is not installed.',
      remedy: 'Install it first: sudo apt-get install bpftrace',
    });
  await refuseUnsafe(bpftrace);
  return [
    { path: WRAPPER_PATH, mode: 0o755, text: wrapperText(bpftrace) },
    { path: SUDOERS_PATH, mode: 0o440, text: sudoersText(user) },
  ];
}

/** A program that somebody other than root can change must not be run as root. */
async function refuseUnsafe(program: string): Promise<void> {
  for (let path = program; ; path = dirname(path)) {
    const { uid, mode } = await stat(path);
    // a sticky folder (mode 1777) still lets anybody add, but not replace
    const othersWrite = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if (uid !== 0 || othersWrite)
      throw new ProbeError({
        code: 'no-privileges',
        message: `${path} belongs to or can be changed by others than root, so ${program} must not run as root.`,
        remedy: `Use the system's own package, or: chown root ${path}; chmod go-w ${path}`,
      });
    if (path === '/') return;
  }
}

/** Writes the files, the rule last and only when visudo accepts it. Throws `no-privileges` or `file-unwritable`. */
export async function installWrapper(files: readonly PlannedFile[]): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new ProbeError({
      code: 'no-privileges',
      message: 'Only root can install the wrapper.',
      remedy: 'Repeat it with sudo.',
    });
  for (const { path, mode, text } of files) {
    const partial = `${path}.new`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await rm(partial, { force: true });
      // `wx`: a link that somebody put there is not followed
      await writeFile(partial, text, { mode, flag: 'wx' });
      await chown(partial, 0, 0);
      await chmod(partial, mode);
      if (path === SUDOERS_PATH) await checkRule(partial);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      if (error instanceof ProbeError) throw error;
      throw new ProbeError(
        {
          code: 'file-unwritable',
          message: `${path} could not be written: ${error instanceof Error ? error.message : String(error)}.`,
        },
        { cause: error },
      );
    }
  }
}

function checkRule(file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('visudo', ['-c', '-q', '-f', file], (error, _, errors) => {
      if (error === null) resolve();
      else
        reject(
          new ProbeError({
            code: 'file-unwritable',
            message: `visudo does not accept the rule: ${errors.trim() || error.message}.`,
            remedy: 'Nothing was changed in sudoers. Is sudo installed?',
          }),
        );
    });
  });
}

/** Removes what was installed; the answer names the files that were there. */
export async function uninstallWrapper(): Promise<string[]> {
  const removed: string[] = [];
  for (const path of [SUDOERS_PATH, WRAPPER_PATH]) {
    const there = await lstat(path).then(
      () => true,
      () => false,
    );
    if (!there) continue;
    await rm(path);
    removed.push(path);
  }
  return removed;
}
