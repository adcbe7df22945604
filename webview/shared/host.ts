import type { Drawn } from '../../protocol/panel.ts';

/** The other end of a webview: the extension host, with typed messages and the state that survives a reload. */
export interface Host<ToHost, FromHost, State> {
  post(message: ToHost): void;
  onMessage(listener: (message: FromHost) => void): void;
  /** As {@link onMessage}, for hosts that wait with the next picture until this one was drawn. */
  onPicture(draw: (message: FromHost) => void | Promise<void>): void;
  getState(): State | undefined;
  setState(state: State): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/**
 * Connects to the extension host; once a page. Messages come from this extension's own host only: a webview's window
 * receives nothing from other origins, so their types are trusted as declared in `protocol`.
 */
export function connectToHost<ToHost, FromHost, State>(): Host<ToHost, FromHost, State> {
  const api = acquireVsCodeApi();
  const drawn: Drawn = { type: 'drawn' };
  return {
    post: (message) => {
      api.postMessage(message);
    },
    onMessage: (listener) => {
      window.addEventListener('message', (event: MessageEvent<FromHost>) => {
        listener(event.data);
      });
    },
    onPicture: (draw) => {
      window.addEventListener('message', (event: MessageEvent<FromHost>) => {
        void (async () => {
          try {
            await draw(event.data);
          } finally {
            // after what waits already: a click goes before the next picture
            setTimeout(() => {
              api.postMessage(drawn);
            });
          }
        })();
      });
    },
    getState: () => api.getState() as State | undefined,
    setState: (state) => {
      api.setState(state);
    },
  };
}
