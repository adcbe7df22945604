import type { CountingToHost, HostToCounting } from '../../protocol/counting-panel.ts';
import { connectToHost } from './host.ts';

/** Connects a view of figures to the extension. */
export function startCounting<Figures>(
  make: (
    root: HTMLElement,
    post: (message: CountingToHost) => void,
  ) => { receive(message: HostToCounting<Figures>): void },
): void {
  const host = connectToHost<CountingToHost, HostToCounting<Figures>, object>();
  const view = make(document.querySelector<HTMLElement>('main') ?? document.body, (message) => {
    host.post(message);
  });
  host.onMessage((message) => {
    view.receive(message);
  });
  window.addEventListener('error', (event) => {
    host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
  });
  host.post({ type: 'ready' });
}
