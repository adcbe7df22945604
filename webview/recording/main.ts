import type { HostToRecording, RecordingToHost } from '../../protocol/recording-panel.ts';
import { connectToHost } from '../shared/host.ts';
import { registerControls } from '../shared/toolkit.ts';
import { createView, type RecordingState } from './view.ts';
import '../shared/counting.css';
import './recording.css';

/** What was sent before this page had loaded comes with its load, mostly: then it need not be asked for and drawn again. */
const COMES_MS = 50;

const host = connectToHost<RecordingToHost, HostToRecording, RecordingState>();
registerControls();
const root = document.querySelector<HTMLElement>('main') ?? document.body;
const view = createView(
  root,
  { allRows: false, ...host.getState() },
  {
    post: (message) => {
      host.post(message);
    },
    state: (state) => {
      host.setState(state);
    },
  },
);
let isFilled = false;
host.onPicture((message) => {
  isFilled = true;
  if (message.type === 'picture') view.show(message.picture, message.figures);
  else if (message.type === 'figures') view.figures(message.figures);
  else view.problem(message.message);
});
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
window.addEventListener('load', () => {
  setTimeout(() => {
    if (!isFilled) host.post({ type: 'ready' });
  }, COMES_MS);
});
