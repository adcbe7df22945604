// Writes a recording until somebody kills it; prints the number of each second that was handed over.
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';

const writer = new RecordingWriter(process.argv[2]!, {});
let sequence = 0;
const step = (): void => {
  sequence++;
  writer.addSnapshot({
    session: 's',
    sequence,
    monotonicNs: sequence * 1e9,
    wallClockMs: 0,
    final: false,
    probes: [
      {
        probe: 1,
        count: sequence * 2,
        lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
        callers: [
          { stack: [{ function: 'leaf' }, { function: 'main' }], count: sequence },
          { stack: [{ function: 'other' }, { function: 'main' }], count: sequence },
        ],
      },
    ],
  });
  process.stdout.write(`${sequence}\n`);
};
step();
setInterval(step, 1000);
