import type { HostToLatency, LatencyToHost } from '../../protocol/latency.ts';
import { connectToHost } from '../shared/host.ts';
import { registerControls } from '../shared/toolkit.ts';
import { createView, type LatencyState } from './view.ts';
import './latency.css';

const host = connectToHost<LatencyToHost, HostToLatency, LatencyState>();
registerControls();

const root = document.querySelector<HTMLElement>('main') ?? document.body;
const state: LatencyState = {
  axis: 'log',
  percentileLines: true,
  tableOpen: false,
  heatmapRows: 'latency',
  ...host.getState(),
};
host.setState(state);
const view = createView(root, state, {
  post: (message) => {
    host.post(message);
  },
  state: (next) => {
    host.setState(next);
  },
});
host.onPicture((message) => {
  view.show(message.picture);
});
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
host.post({ type: 'ready' });
