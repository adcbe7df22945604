import type { FlameChange, FlameOptions, FlameToHost } from '../../protocol/flame.ts';
import type { Spot } from './canvas.ts';
import type { Described } from './describe.ts';
import { frameOf, nameOf, stackText } from './describe.ts';
import type { Action } from './overlays.ts';

export interface ActionEvents {
  readonly post: (message: FlameToHost) => void;
  readonly change: (options: FlameChange) => void;
  readonly open: (beside: boolean) => void;
  readonly zoom: () => void;
}

/** What can be done with a frame, by menu and by key alike. */
export function actionsFor(
  spot: Spot,
  options: FlameOptions,
  described: Described,
  events: ActionEvents,
): Action[] {
  const { layout } = spot.pane;
  const { node } = spot;
  const name = nameOf(layout, node, described.groups);
  const isFrame = node !== 0;
  const frame = frameOf(layout, node, described.groups);
  const byFunction = options.grouping === 'function' || options.grouping === 'line';
  const action = (
    label: string,
    key: string,
    keyLabel: string,
    enabled: boolean,
    run: () => void,
  ): Action => ({
    label,
    key,
    keyLabel,
    enabled,
    run,
  });
  return [
    action('Open Source', 'Enter', 'Enter', isFrame, () => {
      events.open(false);
    }),
    action('Open Source Beside', '', 'Shift+Enter', isFrame, () => {
      events.open(true);
    }),
    action('Trace Latency of This Function', 't', 'T', isFrame && byFunction, () => {
      events.post({ type: 'traceFunction', frame });
    }),
    action('Zoom to Frame', 'z', 'Z', true, events.zoom),
    action('Show Callers and Callees', 's', 'S', isFrame, () => {
      events.change({ arrangement: 'sandwich', sandwich: name });
    }),
    action('Focus on This Function', 'f', 'F', isFrame, () => {
      events.change({ focus: name });
    }),
    action('Hide This Function', 'h', 'H', isFrame, () => {
      events.change({ hidden: [...options.hidden, name] });
    }),
    action('Copy Stack', 'c', 'C', isFrame, () => {
      events.post({ type: 'copy', text: stackText(layout, node, described) });
    }),
  ];
}
