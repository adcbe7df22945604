/** Single calls: where their time went, what they called, and the slowest of them. */
import { callStates, type CallState } from '../../protocol/calls.ts';
import { formatCount, formatDuration, formatShare } from '../../protocol/format.ts';
import type {
  CallsPicture,
  LatencyPicture,
  LatencyToHost,
  SlowCall,
  StateShare,
} from '../../protocol/latency.ts';
import { formatClock } from './clock.ts';
import { button, element } from './dom.ts';
import type { Section } from './over-time.ts';

export const stateNames: Readonly<Record<CallState, string>> = {
  running: 'running',
  runnable: 'waiting for a CPU',
  blocked: 'blocked',
  io: 'waiting for I/O',
};

export function createCalls(post: (message: LatencyToHost) => void): Section {
  const record = button('Record Calls', () => {
    post({ type: 'action', action: 'recordCalls' });
  });
  const stop = button('Stop Recording', () => {
    post({ type: 'action', action: 'stopCalls' });
  });
  const status = element('span', { class: 'selected' });
  status.setAttribute('role', 'status');
  const body = element('div', { class: 'calls' });
  const section = element(
    'section',
    {},
    element('h2', { text: 'Single calls' }),
    element('div', { class: 'tools' }, record, stop, status),
    body,
  );
  /** Rows that are unfolded, by what tells a call: filling the table anew must not close them. */
  const unfolded = new Set<string>();

  return {
    element: section,
    show: ({ calls, selection }: LatencyPicture) => {
      section.hidden = calls === undefined;
      if (calls === undefined) return;
      const active = calls.state === 'recording' || calls.state === 'starting';
      record.hidden = active;
      record.textContent = calls.state === 'off' ? 'Record Calls' : 'Record Anew';
      stop.hidden = !active;
      status.textContent = describeState(calls, selection !== undefined);
      body.hidden = calls.recorded === 0;
      if (calls.recorded === 0) return;
      body.replaceChildren(
        element('h3', { text: 'Where the time went' }),
        stateBar(calls.states, true),
        stateTable(calls.states, calls.recorded),
        ...calleesOf(calls, post),
        element('h3', { text: 'Slowest calls' }),
        slowTable(calls, unfolded, post),
      );
    },
  };
}

function describeState(calls: CallsPicture, selected: boolean): string {
  if (calls.problem !== undefined) return calls.problem;
  switch (calls.state) {
    case 'off':
      return 'Attaches a second set of probes, which also follow the scheduler, while it records: each call costs the program more until then.';
    case 'starting':
      return 'Attaching…';
    case 'recording':
    case 'stopped': {
      const among = selected ? ' in the selection' : '';
      return `${formatCount(calls.recorded)} calls recorded${among}, of ${formatCount(calls.returned)} that returned${calls.state === 'recording' ? ' so far' : ''}.`;
    }
  }
}

/** Shares side by side, each with a pattern of its own as well as a colour. */
export function stateBar(states: readonly StateShare[], labelled: boolean): HTMLElement {
  const bar = element('div', { class: 'state-bar' });
  bar.setAttribute('role', 'img');
  bar.setAttribute(
    'aria-label',
    states.map(({ state, share }) => `${stateNames[state]} ${formatShare(share)}`).join(', '),
  );
  for (const state of callStates) {
    const found = states.find((each) => each.state === state);
    if (found === undefined) continue;
    const part = element('span', {
      class: `state ${state}`,
      text: labelled && found.share > 0.12 ? `${stateNames[state]} ${formatShare(found.share)}` : '',
    });
    part.style.flexGrow = String(found.share);
    part.title = `${stateNames[state]}: ${formatDuration(found.sumNs, 3)} (${formatShare(found.share)})`;
    bar.append(part);
  }
  return bar;
}

function stateTable(states: readonly StateShare[], calls: number): HTMLElement {
  return element(
    'table',
    { class: 'figures-table' },
    head('State', 'Time', 'Share', 'A call'),
    element(
      'tbody',
      {},
      ...states.map(({ state, sumNs, share }) => {
        const swatch = element('span', { class: `swatch ${state}` });
        const name = element('td', {}, swatch, document.createTextNode(stateNames[state]));
        return element(
          'tr',
          {},
          name,
          number(formatDuration(sumNs, 3)),
          number(formatShare(share)),
          number(formatDuration(sumNs / calls, 3)),
        );
      }),
    ),
  );
}

function calleesOf(calls: CallsPicture, post: (message: LatencyToHost) => void): HTMLElement[] {
  const rest = [
    ...(calls.untraced.length === 0 ? [] : [`not traced: ${calls.untraced.join(', ')}`]),
    ...(calls.indirectCalls === 0 ? [] : [`${calls.indirectCalls} calls through pointers`]),
  ].join('; ');
  const rows = calls.callees.map(({ callee, function: name, calls: count, sumNs, share }) =>
    element(
      'tr',
      {},
      element(
        'td',
        {},
        link(name, `Trace the latency of ${name}`, () => {
          post({ type: 'callee', callee });
        }),
      ),
      number(formatDuration(sumNs, 3)),
      shareCell(share),
      number(formatCount(count)),
      number(formatDuration(sumNs / Math.max(1, count), 3)),
    ),
  );
  rows.push(
    element(
      'tr',
      {},
      element('td', { class: 'own', text: rest === '' ? 'its own code' : `its own code (${rest})` }),
      number(''),
      shareCell(calls.ownShare),
      number(''),
      number(''),
    ),
  );
  return [
    element('h3', { text: 'What it called' }),
    element(
      'table',
      { class: 'figures-table' },
      head('Callee', 'Time', 'Share of all calls', 'Calls', 'A call'),
      element('tbody', {}, ...rows),
    ),
  ];
}

function slowTable(
  calls: CallsPicture,
  unfolded: Set<string>,
  post: (message: LatencyToHost) => void,
): HTMLElement {
  const body = element('tbody');
  for (const call of calls.slowest) {
    const key = `${call.thread} ${call.atMs}`;
    const row = element('tr');
    const more = element('tr', { class: 'stack' });
    const toggle = link(unfolded.has(key) ? '▾' : '▸', 'Show the stack', () => {
      if (unfolded.has(key)) unfolded.delete(key);
      else unfolded.add(key);
      more.hidden = !unfolded.has(key);
      toggle.textContent = more.hidden ? '▸' : '▾';
      toggle.setAttribute('aria-expanded', String(!more.hidden));
    });
    more.hidden = !unfolded.has(key);
    toggle.setAttribute('aria-expanded', String(!more.hidden));
    row.append(
      element('td', {}, toggle),
      number(formatDuration(call.durationNs, 3)),
      element('td', {}, stateBar(call.states, false)),
      element('td', { class: 'code', text: argumentsOf(call, calls.parameters) }),
      number(call.returned ?? ''),
      number(formatClock(call.atMs)),
      number(String(call.thread)),
    );
    const cell = element('td');
    cell.colSpan = 7;
    cell.append(
      ...call.stack.map(({ text, place }) =>
        place === undefined
          ? element('div', { class: 'code', text })
          : element(
              'div',
              { class: 'code' },
              link(
                `${text} — ${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line}`,
                'Open the source',
                () => {
                  post({ type: 'openPlace', place });
                },
              ),
            ),
      ),
    );
    more.append(cell);
    body.append(row, more);
  }
  return element(
    'table',
    { class: 'figures-table slowest' },
    head('', 'Latency', 'Time went to', 'Arguments', 'Returned', 'At', 'Thread'),
    body,
  );
}

const argumentsOf = (call: SlowCall, parameters: readonly string[]): string =>
  call.arguments.map((value, i) => `${parameters[i] ?? `#${i}`} = ${value}`).join(', ');

function head(...titles: readonly string[]): HTMLElement {
  const cells = titles.map((text) => {
    const cell = element('th', { text });
    cell.scope = 'col';
    return cell;
  });
  return element('thead', {}, element('tr', {}, ...cells));
}

const number = (text: string): HTMLElement => element('td', { class: 'number', text });

function shareCell(share: number): HTMLElement {
  const fill = element('span', { class: 'share-fill' });
  fill.style.width = `${Math.round(share * 100)}%`;
  return element('td', { class: 'number share' }, fill, element('span', { text: formatShare(share) }));
}

function link(text: string, title: string, run: () => void): HTMLButtonElement {
  const created = element('button', { class: 'link', text });
  created.type = 'button';
  created.title = title;
  created.addEventListener('click', run);
  return created;
}
