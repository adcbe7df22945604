import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { EventsEvents } from '../../../protocol/events.ts';
import type { SyscallsEvents, SyscallsSpec } from '../../../protocol/syscalls.ts';
import { runSyscalls, type RunningSyscalls } from './run.ts';

type Events = Pick<EventsEvents, 'eventsState'> & SyscallsEvents;

/** The summaries of system calls that a helper makes. */
export class SyscallsService {
  readonly #emit: <E extends keyof Events>(event: E, params: Parameters<Events[E]>[0]) => unknown;
  readonly #running = new Map<string, Promise<RunningSyscalls>>();

  constructor(emit: <E extends keyof Events>(event: E, params: Parameters<Events[E]>[0]) => unknown) {
    this.#emit = emit;
  }

  readonly handlers = {
    startSyscalls: async (spec: SyscallsSpec) => {
      if (this.#running.has(spec.stream))
        throw new ProbeError({
          code: 'invalid-argument',
          message: `There is a stream ${spec.stream} already.`,
        });
      const starting = runSyscalls(spec, (summary) => this.#emit('syscallSummary', summary));
      this.#running.set(spec.stream, starting);
      try {
        const { engine, script, ended } = await starting;
        void ended.then((problem) => this.#ended(spec.stream, problem));
        return { engine, script };
      } catch (thrown) {
        this.#running.delete(spec.stream);
        throw thrown;
      }
    },
    stopSyscalls: async ({ stream }: { stream: string }): Promise<Record<string, never>> => {
      await (await this.#running.get(stream)?.catch(() => undefined))?.stop();
      return {};
    },
  };

  /** Ends everything; resolves when no process is left. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((stream) => this.handlers.stopSyscalls({ stream })));
  }

  #ended(stream: string, problem: Problem | undefined): void {
    this.#running.delete(stream);
    const counts = { received: 0, lost: 0, sampledOut: 0, missedEntries: 0 };
    this.#emit('eventsState', {
      stream,
      state: { kind: 'ended', counts, ...(problem === undefined ? {} : { problem }) },
    });
  }
}
