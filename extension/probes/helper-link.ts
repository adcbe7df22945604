/** The helper of the target in use, as the editor's side sees it. */
import type { Disposable, LogOutputChannel } from 'vscode';
import type { HelperConnection } from '../core/connection.ts';
import { TargetLink } from '../core/targets/link.ts';
import type { Target } from '../core/targets/target.ts';

export interface HelperLinkOptions {
  /** The helper's bundle. */
  readonly bundle: string;
  /** Node that runs it; read at each start. */
  readonly nodePath: () => string;
  /** Where it runs; read at each start. */
  readonly target: () => Target;
  readonly log: LogOutputChannel;
}

export type HelperState = TargetLink['state'];

export class HelperLink extends TargetLink implements Disposable {
  constructor(options: HelperLinkOptions) {
    super({
      start: () => start(options),
      // beside us there is no link that could drop: a helper that ended there is told
      seeksAgain: () => options.target().kind !== 'local',
      log: (level, message) => {
        options.log[level](message);
      },
    });
  }
}

async function start({ bundle, log, nodePath, target }: HelperLinkOptions): Promise<HelperConnection> {
  const startedMs = performance.now();
  // with what they need they are half of the extension's code that runs when it is loaded
  const { HelperConnection } = await import('../core/connection.ts');
  const { startHelper } = await import('../core/targets/start-helper.ts');
  const node = nodePath();
  const where = target();
  const streams = await startHelper(where, {
    bundle,
    ...(node === '' ? {} : { localNode: node, nodePath: node }),
    log: (line) => {
      log.debug(`Helper: ${line}`);
    },
  });
  const connection = await HelperConnection.open(streams, 'Probescope', {
    keepAlive: where.kind !== 'local',
    target: where.name,
  });
  connection.onLog(({ level, message }) => {
    log[level](`Helper: ${message}`);
  });
  connection.onSessionState(({ session, state }) => {
    const engine = state.kind === 'running' && state.enginePid !== undefined ? state.enginePid : undefined;
    const why = state.kind === 'ended' && state.problem !== undefined ? `: ${state.problem.message}` : '';
    log.info(
      `Session ${session.slice(0, 8)}: ${state.kind}${engine === undefined ? why : `, bpftrace is process ${engine}`}`,
    );
  });
  log.info(
    `Helper ${connection.helperVersion} is process ${connection.helperPid}, ready after ${Math.round(performance.now() - startedMs)} ms.`,
  );
  return connection;
}
