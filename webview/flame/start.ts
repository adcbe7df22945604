import type { FlameChange, FlameOptions, FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import { defaultFlameOptions } from '../../protocol/flame.ts';
import type { LiveStatus } from '../../protocol/live-status.ts';
import type { FromWorker, ToWorker } from './channel.ts';
import { emptyText, LiveBar } from './live-bar.ts';
import { FlameView } from './view.ts';
import workerSource from './worker.ts?worker';

export interface FlameOwner {
  readonly post: (message: FlameToHost) => void;
  /** Keeps what is shown of profiles for the next time. */
  readonly keep?: (options: FlameOptions) => void;
  readonly options?: Partial<FlameOptions>;
}

export interface Flame {
  /** Resolves when what the message asks for is drawn. */
  readonly receive: (message: HostToFlame) => Promise<void>;
}

/** A flame graph below `root`, with a worker of its own: the page of the flame graph panel, and a part of others. */
export function startFlame(root: HTMLElement, owner: FlameOwner): Flame {
  const worker = new Worker(URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' })));
  const send = (message: ToWorker, transfer: Transferable[] = []): void => {
    worker.postMessage(message, transfer);
  };
  /** What is asked for; the picture may be a little behind. */
  let options: FlameOptions = { ...defaultFlameOptions, ...owner.options };
  let request = 0;
  /** Profiles that the worker lays out now. */
  const loads: (() => void)[] = [];

  /** Members that change; those that become undefined go. */
  const changed = (change: FlameChange): void => {
    const next = { ...options, ...change } as Record<string, unknown>;
    for (const [name, value] of Object.entries(next))
      if (value === undefined) Reflect.deleteProperty(next, name);
    options = next as unknown as FlameOptions;
    owner.keep?.(options);
  };

  const view = new FlameView(root, {
    post: owner.post,
    change: (change) => {
      changed(change);
      send({ type: 'paint', options, request: ++request });
    },
    save: (format) => {
      send({ type: 'save', format, options });
    },
  });
  const bar = new LiveBar(owner.post);
  root.prepend(bar.element);
  const problem = (message: string): void => {
    owner.post({ type: 'problem', message });
    view.tell(message);
  };
  const loaded = (): void => {
    for (const done of loads.splice(0)) done();
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>): void => {
    if (data.type === 'problem' || (data.type === 'picture' && data.request === 0)) loaded();
    switch (data.type) {
      case 'picture':
        // an older answer would undo what was asked for since
        if (data.request === 0 || data.request === request) view.show(data);
        return;
      case 'saved':
        owner.post({ type: 'save', suggestedName: data.suggestedName, content: data.content });
        return;
      case 'problem':
        problem(data.message);
        return;
    }
  };
  worker.onerror = (event): void => {
    loaded();
    problem(`The flame graph's worker failed: ${event.message}`);
  };

  const tell = (status: LiveStatus): void => {
    bar.show(status);
    view.emptyText = emptyText(status);
  };

  const receive = async (message: HostToFlame): Promise<void> => {
    switch (message.type) {
      case 'profile': {
        if (message.options !== undefined) changed(message.options);
        const { profile, baseline, status } = message;
        if (status !== undefined) tell(status);
        send(
          { type: 'load', profile, options, ...(baseline === undefined ? {} : { baseline }) },
          baseline === undefined ? [profile] : [profile, baseline],
        );
        await new Promise<void>((resolve) => loads.push(resolve));
        return;
      }
      case 'status':
        tell(message.status);
        return;
      case 'options':
        changed(message.options);
        send({ type: 'paint', options, request: ++request });
        return;
      case 'search':
        view.search(message.pattern);
        return;
      case 'ended':
        view.tell(message.notice ?? 'The profile has ended; this is all of it.');
        return;
    }
  };
  // after the page has said that it is ready: its host reads the profile meanwhile
  setTimeout(() => {
    view.prepare(options);
  });
  return { receive };
}
