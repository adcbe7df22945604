import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { execa } from 'execa';
import { compiledCodeFolder } from '../compiled-code.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import {
  bootstrapCommand,
  bootstrapLine,
  leanFlags,
  leanMalloc,
  OLDEST_NODE,
  type BootstrapFailure,
} from './bootstrap.ts';
import { commandOn, type Command, type Target } from './target.ts';

/** A helper that runs on a target: from here on the two streams carry JSON-RPC and nothing else. */
export interface StartedHelper {
  readonly input: Writable;
  readonly output: Readable;
  /** Version of the Node that runs it, without a leading `v`. */
  readonly nodeVersion: string;
  /** Settles when the command ended, for whatever reason; never rejects. */
  readonly ended: Promise<HelperEnd>;
  /** Ends the command; the helper over there ends with its standard input. */
  stop(): void;
}

export interface HelperEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The last lines of standard error: ssh's or the shell's own words. */
  readonly stderr: string;
}

export interface StartOptions {
  /** The helper's bundle on this machine. */
  readonly bundle: string;
  /** The setting `probescope.nodePath`. */
  readonly nodePath?: string;
  /** Node of this process, for the local target. */
  readonly localNode?: string;
  /** Every line that comes before the helper's own: shell profiles, banners, ssh's messages. */
  readonly log: (line: string) => void;
  readonly cancelled?: AbortSignal;
}

/** After this long without a sign of life the target counts as unreachable: ssh's own ConnectTimeout is 10 s. */
const START_TIMEOUT_MS = 20_000;
/** Noise before the handshake above this much is not a shell profile any more. */
const NOISE_LIMIT_BYTES = 1_000_000;
const STDERR_KEPT_BYTES = 8_192;

/**
 * Starts the helper on a target, uploading it first where it is not there yet.
 * Throws ProbeError `target-unreachable` with what ssh, the shell or the bootstrap said, or `cancelled`.
 */
export async function startHelper(target: Target, options: StartOptions): Promise<StartedHelper> {
  const bundle = await readFile(options.bundle);
  const nonce = `probescope-${randomBytes(9).toString('hex')}`;
  const hash = createHash('sha256').update(bundle).digest('hex');
  const bootstrap = bootstrapCommand({
    nonce,
    hash,
    sizeBytes: bundle.length,
    ...(options.nodePath === undefined ? {} : { nodePath: options.nodePath }),
  });
  const local = target.kind === 'local';
  const command = local ? localCommand(options) : commandOn(target, bootstrap);
  const child = execa(command.file, command.args, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    forceKillAfterDelay: 1000,
    env: local ? localEnvironment() : {},
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT_BYTES);
    for (const line of text.split('\n')) if (line.trim() !== '') options.log(line);
  });
  child.stdin.on('error', () => undefined);
  const ended = child.then((result) => ({
    exitCode: result.exitCode,
    signal: result.signal,
    stderr:
      stderr ||
      (result.exitCode === undefined && result.signal === undefined ? String(result.message ?? '') : ''),
  }));
  const stop = () => void child.kill('SIGTERM');
  const started = (nodeVersion: string, output: Readable): StartedHelper => ({
    input: child.stdin,
    output,
    nodeVersion,
    ended,
    stop,
  });
  if (local) return started(process.versions.node, child.stdout);

  try {
    const [nodeVersion, rest] = await converse(child.stdout, child.stdin, {
      ...options,
      nonce,
      bundle,
      ended,
      target,
    });
    return started(nodeVersion, rest);
  } catch (error) {
    stop();
    throw error;
  }
}

function localCommand({ localNode, bundle }: StartOptions): Command {
  if (localNode !== undefined) return { file: localNode, args: [bundle] };
  return { file: process.execPath, args: [...leanFlags(Number.parseInt(process.versions.node)), bundle] };
}

function localEnvironment(): Record<string, string> {
  const compiled = compiledCodeFolder();
  return {
    // Electron's binary is a Node only when told so
    ELECTRON_RUN_AS_NODE: '1',
    ...leanMalloc,
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  };
}

interface Conversation {
  readonly nonce: string;
  readonly bundle: Buffer;
  readonly ended: Promise<HelperEnd>;
  readonly target: Target;
  readonly log: (line: string) => void;
  readonly cancelled?: AbortSignal;
}

/** Talks with the bootstrap until the helper is there; resolves with its Node's version and the rest of its output. */
function converse(
  output: Readable,
  input: Writable,
  talk: Conversation,
): Promise<[nodeVersion: string, rest: Readable]> {
  return new Promise((resolve, reject) => {
    let pending = Buffer.alloc(0);
    let noiseBytes = 0;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      talk.cancelled?.removeEventListener('abort', onCancel);
      output.off('data', onData);
      output.pause();
      act();
    };
    const fail = (problem: ProbeError) => settle(() => reject(problem));
    const onCancel = () =>
      fail(
        new ProbeError({ code: 'cancelled', message: `Connecting to ${talk.target.name} was cancelled.` }),
      );
    const timer = setTimeout(
      () => fail(unreachable(talk.target, `nothing answered within ${START_TIMEOUT_MS / 1000} s`)),
      START_TIMEOUT_MS,
    );
    const onData = (data: Buffer) => {
      pending = Buffer.concat([pending, data]);
      for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
        const line = bootstrapLine(pending.toString('utf8', 0, end).replace(/\r$/, ''), talk.nonce);
        pending = pending.subarray(end + 1);
        if (line.kind === 'noise') {
          noiseBytes += line.text.length;
          talk.log(line.text);
        } else if (line.kind === 'upload') input.write(talk.bundle);
        else if (line.kind === 'failed') return fail(bootstrapProblem(talk.target, line.code, line.detail));
        else
          return settle(() => {
            // nothing is lost while nobody listens yet: a pipe waits, a stream in flowing mode would not
            const rest = new PassThrough();
            rest.write(pending);
            resolve([line.nodeVersion, output.pipe(rest)]);
          });
      }
      if (noiseBytes + pending.length > NOISE_LIMIT_BYTES)
        fail(unreachable(talk.target, 'it printed over 1 MB before the helper started'));
    };
    output.on('data', onData);
    talk.cancelled?.addEventListener('abort', onCancel, { once: true });
    if (talk.cancelled?.aborted) onCancel();
    void talk.ended.then((end) => {
      const why =
        end.signal !== undefined
          ? `it ended by ${end.signal}`
          : `it ended with exit code ${end.exitCode ?? 'none'}`;
      const words = end.stderr.trim();
      fail(unreachable(talk.target, words === '' ? why : `${why}: ${words}`));
    });
  });
}

function unreachable(target: Target, what: string): ProbeError {
  const remedy =
    target.kind === 'ssh'
      ? sshRemedy(target.host, what)
      : 'Run the command of this target in a terminal, make it work there, then try again.';
  return new ProbeError({
    code: 'target-unreachable',
    message: `The helper could not be started on ${target.name}: ${what}.`,
    remedy,
  });
}

/** ssh tells everything by exit code 255 and a sentence: this is the one place that reads it. */
function sshRemedy(host: string, what: string): string {
  if (/HOST IDENTIFICATION HAS CHANGED/.test(what))
    return `Ask who runs ${host} whether its key was changed. Only then remove the old one: ssh-keygen -R ${host}. Probescope never does.`;
  if (/Host key verification failed/.test(what))
    return `Connect once in a terminal, compare the key that is shown with the host's own, and accept it there: ssh ${host}`;
  if (/Permission denied|Too many authentication failures/.test(what))
    return `Make “ssh ${host} true” work without a password (ssh-copy-id ${host}, or an agent): passwords are never asked for here.`;
  if (/Could not resolve hostname|Name or service not known/.test(what))
    return `No such host is known: look at its name in the OpenSSH configuration, and at the network or VPN.`;
  return `Make “ssh ${host} true” work in a terminal without a prompt (keys or an agent; passwords are never asked for), then try again.`;
}
function bootstrapProblem(target: Target, code: BootstrapFailure, detail: string): ProbeError {
  const because = detail === '' ? '' : `: ${detail}`;
  const problems: Record<BootstrapFailure, { message: string; remedy: string }> = {
    'no-node': {
      message: `${target.name} has no Node ≥ ${OLDEST_NODE}.`,
      remedy:
        'Install it there (Debian: apt-get install nodejs), or name one with the setting probescope.nodePath.',
    },
    'no-folder': {
      message: `The private folder ~/.cache/probescope on ${target.name} cannot be used${because}.`,
      remedy: 'Make the home directory writable over there, or set XDG_CACHE_HOME to a folder that is.',
    },
    'disk-full': {
      message: `The helper could not be stored on ${target.name}${because}.`,
      remedy: 'It needs 2 MB below ~/.cache/probescope: make room there and try again.',
    },
    hash: {
      message: `The helper arrived damaged on ${target.name} and was thrown away.`,
      remedy: 'Try again; if it happens again, something between here and there changes the bytes.',
    },
  };
  return new ProbeError({ code: 'target-unreachable', ...problems[code] });
}
