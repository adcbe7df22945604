import type { FlameOptions, FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import { connectToHost } from '../shared/host.ts';
import { startFlame } from './start.ts';
import './flame.css';

interface FlameState {
  readonly options: FlameOptions;
}

const host = connectToHost<FlameToHost, HostToFlame, FlameState>();
const options = host.getState()?.options;
const flame = startFlame(document.querySelector<HTMLElement>('main') ?? document.body, {
  post: (message) => {
    host.post(message);
  },
  keep: (kept) => {
    host.setState({ options: kept });
  },
  ...(options === undefined ? {} : { options }),
});
host.onPicture(flame.receive);
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
host.post({ type: 'ready' });
