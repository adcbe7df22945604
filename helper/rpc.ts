import type { Readable, Writable } from 'node:stream';
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { PROBLEM_ERROR_CODE, type Handlers, type MethodName } from '../protocol/channel.ts';
import { asProblem, ProbeError, type Problem } from '../protocol/errors.ts';
import { PROTOCOL_VERSION, type HelperApi, type HelperEvents } from '../protocol/helper.ts';

/** What every handler is given: the call's own cancellation. */
export interface CallContext {
  readonly cancelled: AbortSignal;
}

export type HelperHandlers = Handlers<Omit<HelperApi, 'hello'>, CallContext>;

/** False when it was dropped because the link is slower than what is said; what counts its losses adds this one then. */
export type Notify = <E extends MethodName<HelperEvents>>(
  event: E,
  params: Parameters<HelperEvents[E]>[0],
) => boolean;

/** Messages that may wait for a slow link, some MB of them. More would be the helper's memory, and news that is old. */
const MOST_WAITING = 200;
/** What is dropped then. States, ends and answers are not, event rows by their stream, which counts them; snapshots are cumulative, so the next one makes up for a lost one. */
const droppable: ReadonlySet<string> = new Set<MethodName<HelperEvents>>([
  'snapshot',
  'logValues',
  'statInterval',
  'syscallSummary',
  'searchProgress',
  'log',
]);

export interface Server {
  readonly notify: Notify;
  /** Resolves when the client has gone: end of input, a broken pipe or a stream that is not JSON-RPC. */
  readonly closed: Promise<void>;
}

/**
 * Serves the helper's calls on two streams.
 * Every request is answered: with the handler's value, or with an error whose `data` is a {@link Problem}. Calls before a
 * successful `hello` are refused, and so are methods that do not exist.
 */
export function serve(
  streams: { readonly input: Readable; readonly output: Writable },
  version: string,
  handlers: (notify: Notify, linkIsFull: () => boolean) => HelperHandlers,
): Server {
  const connection = createMessageConnection(
    new StreamMessageReader(streams.input),
    new StreamMessageWriter(streams.output),
  );
  let waiting = 0;
  const linkIsFull = () => waiting >= MOST_WAITING;
  const notify: Notify = (event, params) => {
    if (linkIsFull() && droppable.has(event) && !isFinal(params)) return false;
    waiting++;
    // a client that has gone is told by `closed`; what was still to be said to it does not matter
    connection
      .sendNotification(event, params)
      .catch(() => undefined)
      .finally(() => waiting--);
    return true;
  };
  let greeted = false;
  connection.onRequest('hello', (params: { protocol?: unknown; client?: unknown }) => {
    if (params.protocol !== PROTOCOL_VERSION)
      return answer({
        code: 'version-mismatch',
        message: `The helper speaks protocol ${PROTOCOL_VERSION}, the client ${String(params.protocol)}.`,
        remedy: 'Install the same version of Probescope on both ends; reconnecting uploads the right helper.',
      });
    greeted = true;
    return { protocol: PROTOCOL_VERSION, helper: version, pid: process.pid };
  });
  const table: Partial<Record<string, (params: never, context: CallContext) => unknown>> = handlers(
    notify,
    linkIsFull,
  );
  connection.onRequest(async (method, params, token) => {
    if (!greeted) return answer({ code: 'version-mismatch', message: `${method} was called before hello.` });
    const handler = Object.hasOwn(table, method) ? table[method] : undefined;
    if (handler === undefined)
      return answer({ code: 'method-unknown', message: `The helper has no method ${method}.` });
    const cancel = new AbortController();
    token.onCancellationRequested(() => cancel.abort());
    try {
      // named parameters are one object; vscode-jsonrpc wraps positional ones in an array
      return (
        (await handler((Array.isArray(params) ? params[0] : params) as never, {
          cancelled: cancel.signal,
        })) ?? {}
      );
    } catch (error) {
      return answer(token.isCancellationRequested ? cancelledProblem(method) : asProblem(error));
    }
  });
  const closed = new Promise<void>((resolve) => {
    connection.onClose(() => resolve());
    // A stream that is not JSON-RPC cannot be answered: end, and let the other side say what it saw.
    connection.onError(() => resolve());
    streams.input.once('end', () => resolve());
    streams.input.once('close', () => resolve());
    streams.output.once('error', () => resolve());
  });
  connection.listen();
  return { notify, closed };
}

/** The last snapshot of a session or summary: no later one makes up for it. */
function isFinal(params: object): boolean {
  return 'final' in params && params.final === true;
}

function answer(problem: Problem): ResponseError<Problem> {
  return new ResponseError(
    problem.code === 'method-unknown' ? ErrorCodes.MethodNotFound : PROBLEM_ERROR_CODE,
    problem.message,
    problem,
  );
}

const cancelledProblem = (method: string): Problem =>
  new ProbeError({ code: 'cancelled', message: `${method} was cancelled.` }).toProblem();
