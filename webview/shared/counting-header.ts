import type { CountingToHost, HostToCounting } from '../../protocol/counting-panel.ts';
import { button, element } from './elements.ts';

/** Title, state, Stop/Start and Copy of a panel that shows figures since a start. */
export class CountingHeader {
  readonly root = element('header');
  readonly #title = element('h1');
  readonly #state = element('span', { class: 'state', role: 'status' });
  readonly #text = element('span', { class: 'text' });
  readonly #notice = element('p', { class: 'notice', role: 'alert', hidden: '' });
  readonly #stop: HTMLButtonElement;
  #running = false;

  constructor(post: (message: CountingToHost) => void, copied: () => string) {
    this.#stop = button('Stop', 'Stop counting', () => {
      post({ type: this.#running ? 'stop' : 'start' });
    });
    const copy = button('Copy', 'Copy the table as text with tabs', () => {
      post({ type: 'copy', text: copied() });
    });
    const line = element('div', { class: 'head' });
    line.append(this.#title, this.#state, this.#text, element('span', { class: 'gap' }), this.#stop, copy);
    this.root.append(line, this.#notice);
  }

  tell(text: string): void {
    this.#text.textContent = text;
  }

  receive(message: HostToCounting<unknown>): void {
    if (message.type === 'begin') {
      this.#running = true;
      this.#title.textContent = message.title;
      this.#state.textContent = `● counting with ${message.engine}`;
      this.#say('');
    } else if (message.type === 'ended') {
      this.#running = false;
      this.#state.textContent = '■ stopped';
      const { problem } = message;
      this.#say(problem === undefined ? '' : `${problem.message} ${problem.remedy ?? ''}`);
    }
    this.#stop.textContent = this.#running ? 'Stop' : 'Start';
    this.#stop.title = this.#running ? 'Stop counting' : 'Count again from zero';
  }

  #say(text: string): void {
    this.#notice.textContent = text;
    this.#notice.hidden = text.trim() === '';
  }
}
