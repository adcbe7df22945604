import type { HostToRun, RunToHost } from '../../protocol/run-panel.ts';
import { connectToHost } from '../shared/host.ts';
import { registerControls } from '../shared/toolkit.ts';
import { RunView } from './view.ts';
import '../flame/flame.css';
import './run.css';

registerControls();
const host = connectToHost<RunToHost, HostToRun, object>();
const view = new RunView(document.querySelector<HTMLElement>('main') ?? document.body, (message) => {
  host.post(message);
});
host.onPicture((message) => {
  view.receive(message);
});
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
host.post({ type: 'ready' });
