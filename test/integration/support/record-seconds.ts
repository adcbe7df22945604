// Records an interval after the other until `finish` comes on its standard input; tells what happens as JSON, line by line.
// `fast`: twenty intervals a second with large events, for disks that are to fill up.
import { createInterface } from 'node:readline';
import { asProblem } from '../../../protocol/errors.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';

const [path = '', speed] = process.argv.slice(2);
const tell = (what: object): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`);
};

function begin(): RecordingWriter | undefined {
  try {
    return new RecordingWriter(
      path,
      { title: 'seconds', kind: 'trace' },
      {
        maxBytes: 0,
        onStop: (stopped, cause) => {
          tell({ stopped, cause });
        },
      },
    );
  } catch (error) {
    const { message, remedy = '' } = asProblem(error);
    tell({ refused: `${message} ${remedy}` });
    return undefined;
  }
}

const writer = begin();
if (writer !== undefined) {
  writer.addProbe(
    {
      ...{ id: 1, binary: '/bin/shop', measures: ['latency'] },
      subject: { kind: 'usdt', provider: 'shop', name: 'order', sites: [] },
    },
    'shop:order',
  );
  let second = 0;
  const step = (): void => {
    second++;
    writer.addSnapshot({
      ...{
        session: 's',
        sequence: second,
        monotonicNs: second * 1e9,
        wallClockMs: second * 1e3,
        final: false,
      },
      probes: [
        {
          ...{ probe: 1, count: second * 10 },
          lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
          latency: {
            buckets: [
              [40 + (second % 7), 0],
              [50, second * 10],
            ],
            sumNs: second * 1000,
            maxNs: 120,
          },
        },
      ],
    });
    if (speed === 'fast') writer.addEvent(1, second * 1e9, undefined, { text: 'x'.repeat(30_000) });
    tell({ written: second });
    writer.commit();
    if (writer.stopped === undefined) tell({ committed: second });
  };
  step();
  const timer = setInterval(step, speed === 'fast' ? 50 : 200);
  createInterface(process.stdin).on('line', () => {
    clearInterval(timer);
    writer.finish();
    tell({ ended: true });
    process.exit();
  });
}
