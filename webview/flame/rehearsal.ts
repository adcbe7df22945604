import type { FlameOptions } from '../../protocol/flame.ts';
import { layOut } from '../../profile/layout.ts';
import type { FromWorker } from './channel.ts';

/** A picture of a single frame, as the worker would send it. */
export function rehearsal(options: FlameOptions): Extract<FromWorker, { type: 'picture' }> {
  const nodes = {
    frame: Uint32Array.of(0, 1),
    depth: Uint16Array.of(0, 1),
    self: Float64Array.of(0, 1),
  };
  const texts = ['', ''];
  return {
    ...{ type: 'picture', request: 0, options, layout: layOut(nodes, true) },
    facts: { title: '', unit: 'samples', notes: [], threads: [], timed: false },
    groups: {
      ...{ names: ['', 'main'], kind: new Uint8Array(2), modules: texts, files: texts },
      lines: new Uint32Array(2),
    },
    ...{ shownTotal: 1, profileTotal: 1, remarks: [], milliseconds: 0 },
  };
}
