import type { HostToRun, RunHeader, RunToHost } from '../../protocol/run-panel.ts';
import type { ScriptMap } from '../../protocol/script.ts';
import { element } from '../flame/dom.ts';
import { LogView } from './log-view.ts';
import { MapSection } from './map-views.ts';
import { lostText, stateText } from './model.ts';

/** A button of the toolkit's. */
function control(label: string): HTMLElement {
  const made = document.createElement('vscode-button');
  made.textContent = label;
  return made;
}

/** The panel of a run: what it is and what was lost above, its maps, its log. */
export class RunView {
  readonly #post: (message: RunToHost) => void;
  readonly #title = element('h1', {});
  readonly #state = element('span', { className: 'run-state', role: 'status' });
  readonly #facts = element('span', { className: 'run-facts' });
  readonly #lost = element('span', { className: 'run-lost' });
  readonly #stop = control('Stop');
  readonly #again = control('Run Again');
  readonly #save = control('Save…');
  readonly #problem = element('div', { className: 'run-problem', role: 'alert', hidden: true });
  readonly #notes = element('div', { className: 'run-notes', hidden: true });
  readonly #maps = element('section', { className: 'run-maps' });
  readonly #sections = new Map<string, MapSection>();
  readonly #log: LogView;
  readonly #body = element('div', { className: 'run-body' });

  constructor(root: HTMLElement, post: (message: RunToHost) => void) {
    this.#post = post;
    this.#log = new LogView(post);
    this.#maps.setAttribute('aria-label', 'Maps');
    this.#again.setAttribute('appearance', 'secondary');
    this.#save.setAttribute('appearance', 'secondary');
    for (const [control, type] of [
      [this.#stop, 'stop'],
      [this.#again, 'runAgain'],
      [this.#save, 'save'],
    ] as const)
      control.addEventListener('click', () => {
        post({ type });
      });
    const header = element('header', { className: 'run-header' });
    const texts = element('div', { className: 'run-texts' });
    texts.append(this.#title, this.#state, this.#facts, this.#lost);
    header.append(texts, this.#stop, this.#again, this.#save);
    this.#body.append(this.#maps, this.#log.root);
    root.append(header, this.#problem, this.#notes, this.#body);
    document.addEventListener('keydown', (event) => {
      if (event.key.toLowerCase() === 'f' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.#log.focusSearch();
      }
    });
  }

  receive(message: HostToRun): void {
    if (message.type === 'run') {
      this.#forget(message.maps);
      this.#log.model.replace(message.lines, message.forgotten);
    } else this.#log.model.add(message.lines);
    for (const map of message.maps) this.#showMap(map);
    this.#header(message.header);
    this.#log.draw();
    const hasLog = this.#log.model.total > 0;
    this.#maps.hidden = this.#sections.size === 0;
    this.#log.root.hidden = !hasLog && this.#sections.size > 0;
    this.#body.classList.toggle('run-both', hasLog && this.#sections.size > 0);
  }

  #showMap(map: ScriptMap): void {
    let section = this.#sections.get(map.name);
    if (section === undefined) {
      section = new MapSection(this.#post);
      this.#sections.set(map.name, section);
      this.#maps.append(section.root);
    }
    section.show(map);
  }

  #forget(maps: readonly ScriptMap[]): void {
    const names = new Set(maps.map(({ name }) => name));
    for (const [name, section] of this.#sections)
      if (!names.has(name)) {
        section.root.remove();
        this.#sections.delete(name);
      }
  }

  #header(header: RunHeader): void {
    const { title, state, engine, target, attached, lost, notes, problem, place } = header;
    this.#title.textContent = title;
    this.#state.textContent = stateText(header);
    this.#state.dataset['state'] = problem === undefined ? state : 'failed';
    const probes = attached === undefined ? '' : `${attached} ${attached === 1 ? 'probe' : 'probes'}`;
    this.#facts.textContent = [engine, target, probes].filter((text) => text !== '').join(' · ');
    this.#lost.textContent = lostText(lost);
    this.#lost.classList.toggle('run-has-lost', lost.events + lost.lines + lost.entries > 0);
    this.#stop.hidden = state === 'ended';
    this.#stop.toggleAttribute('disabled', state === 'stopping');
    this.#again.hidden = state !== 'ended' || !header.canRunAgain;
    this.#save.hidden = !header.canSave;
    this.#notes.hidden = notes.length === 0;
    this.#notes.textContent = notes.join(' ');
    this.#problem.hidden = problem === undefined;
    if (problem === undefined) return;
    const message = element(place === undefined ? 'span' : 'button', {}, problem.message);
    if (place !== undefined) {
      message.className = 'run-link';
      message.title = 'Open this place in the script';
      message.addEventListener('click', () => {
        this.#post({ type: 'openPlace', ...place });
      });
    }
    this.#problem.replaceChildren(message, element('p', {}, problem.remedy ?? ''));
  }
}
