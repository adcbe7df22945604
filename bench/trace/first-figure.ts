import { localHelper } from '../../cli/in-process.ts';
import { TraceSession } from '../../extension/core/session.ts';
import { median, ms } from './figures.ts';

const RUNS = 3;

/** Prints the parts of the time to a first figure in ms: look-up (cold), attach, first snapshot with a count. */
export async function firstFigure(binary: string, pid: number): Promise<void> {
  const parts: number[][] = [];
  for (let run = 0; run < RUNS; run++) {
    const helper = await localHelper();
    const began = performance.now();
    const { subjects } = await helper.connection.call('lookUp', { binary, function: 'handle_request' });
    const looked = performance.now();
    let resolveFirst: (at: number) => void = () => undefined;
    const first = new Promise<number>((done) => (resolveFirst = done));
    const session = new TraceSession(helper.connection, {
      onSnapshot: ({ probes }) => {
        if ((probes[0]?.count ?? 0) > 0) resolveFirst(performance.now());
      },
      onEnded: ({ message }) => console.error(message),
    });
    await session.open([{ id: 1, binary, pid, subject: subjects[0]!, measures: ['latency'] }], 250);
    const attached = performance.now();
    const shown = await first;
    parts.push([looked - began, attached - looked, shown - attached, shown - began]);
    await session.close();
    await helper.close();
  }
  const [lookUp, attach, snapshot, all] = [0, 1, 2, 3].map((part) =>
    median(parts.map((run) => run[part] ?? 0)),
  );
  console.log(
    `first figure (median of ${RUNS}): look-up ${ms(lookUp)}, attach ${ms(attach)}, first snapshot ${ms(snapshot)}; together ${ms(all)}`,
  );
}
