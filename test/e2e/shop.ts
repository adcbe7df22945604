/** The demo program, running for one test file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { buildWorkload, programOf, sourcesOf } from '../../scripts/workloads.ts';

/** What the program measured of itself, by function; durations in ns. */
export interface OwnFigures {
  readonly functions: Readonly<
    Record<string, { readonly count: number; readonly p50Ns?: number; readonly p99Ns?: number }>
  >;
}

export interface Shop {
  readonly pid: number;
  readonly program: string;
  readonly sources: string;
  /** Ends it; resolves with what it says of itself. */
  end(): Promise<OwnFigures>;
}

export function startShop(...args: string[]): Shop {
  buildWorkload('shop');
  const program = programOf('shop');
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  return {
    pid: child.pid ?? 0,
    program,
    sources: sourcesOf('shop'),
    end: async () => {
      const closed = once(child, 'close');
      child.kill('SIGINT');
      await closed;
      return JSON.parse(output) as OwnFigures;
    },
  };
}
