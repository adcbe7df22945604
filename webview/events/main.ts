import type { EventsToHost, HostToEvents } from '../../protocol/events-panel.ts';
import { connectToHost } from '../shared/host.ts';
import { EventsView, type EventsState } from './view.ts';
import './events.css';

const host = connectToHost<EventsToHost, HostToEvents, EventsState>();
const root = document.querySelector<HTMLElement>('main') ?? document.body;
const view = new EventsView(
  root,
  { hidden: [], ...host.getState() },
  (message) => {
    host.post(message);
  },
  (state) => {
    host.setState(state);
  },
);
host.onMessage((message) => {
  view.receive(message);
});
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
host.post({ type: 'ready' });
