import type { ComparisonToHost, HostToComparison } from '../../protocol/recording-comparison.ts';
import { connectToHost } from '../shared/host.ts';
import { showComparison, showProblem } from './view.ts';
import '../shared/counting.css';
import './comparison.css';

const host = connectToHost<ComparisonToHost, HostToComparison, object>();
const root = document.querySelector<HTMLElement>('main') ?? document.body;
host.onMessage((message) => {
  if (message.type === 'problem') showProblem(root, message.message);
  else
    showComparison(root, message.comparison, (answer) => {
      host.post(answer);
    });
});
window.addEventListener('error', (event) => {
  host.post({ type: 'problem', message: `${event.message} (${event.filename}:${event.lineno})` });
});
host.post({ type: 'ready' });
