/** What a recording says of how, where and of which sources it was made. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SessionDescription } from '../../../protocol/snapshot.ts';
import type { RecordingMeta, RecordingWriter } from './writer.ts';

const run = promisify(execFile);
/** A repository on a slow disk is not waited for longer. */
const GIT_TIMEOUT_MS = 5000;

/**
 * The commit that is checked out in a folder, and whether tracked files differ from it. Nothing where there is no repository, no commit
 * or no git. Git is told to take no locks, for it works beside whatever the user does there.
 */
export async function gitMeta(folder: string): Promise<RecordingMeta> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('git', ['--no-optional-locks', '-C', folder, ...args], {
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: 64 << 20,
    });
    return stdout.trim();
  };
  try {
    const commit = await git('rev-parse', '--verify', 'HEAD');
    const changed = await git('status', '--porcelain', '--untracked-files=no');
    return { git_commit: commit, git_dirty: changed !== '' };
  } catch {
    return {};
  }
}

/** Writes down what a trace session is measured with; again whenever its probes have changed, for its script is another one then. */
export function addDescription(writer: RecordingWriter, described: SessionDescription): void {
  const { host, kernel, arch, tools, script, binaries } = described;
  writer.setMeta({ host, kernel, arch, tools: tools.join(', ') });
  if (script !== '') writer.addScript('trace.bt', script);
  for (const { path, buildId } of binaries) writer.addBinary(path, buildId);
}
