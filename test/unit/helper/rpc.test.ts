import { PassThrough } from 'node:stream';
import {
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { expect, test } from 'vitest';
import { serve, type HelperHandlers } from '../../../helper/rpc.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../../protocol/helper.ts';

function connect(handlers: Partial<HelperHandlers>) {
  const input = new PassThrough();
  const output = new PassThrough();
  const server = serve({ input, output }, '0.0.0', () => handlers as HelperHandlers);
  const client = createMessageConnection(new StreamMessageReader(output), new StreamMessageWriter(input));
  client.listen();
  return { client, server, input };
}

const hello = { protocol: PROTOCOL_VERSION, client: 'test' };

async function problemOf(answer: Promise<unknown>): Promise<unknown> {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ResponseError);
  return (error as ResponseError<unknown>).data;
}

test('hello comes first, and with the same version', async () => {
  const { client } = connect({ processes: () => ({ processes: [] }) });
  expect(await problemOf(client.sendRequest('processes', {}))).toMatchObject({ code: 'version-mismatch' });
  expect(await problemOf(client.sendRequest('hello', { protocol: 999, client: 'test' }))).toMatchObject({
    code: 'version-mismatch',
  });
  expect(await client.sendRequest('hello', hello)).toMatchObject({
    protocol: PROTOCOL_VERSION,
    pid: process.pid,
  });
  expect(await client.sendRequest('processes', {})).toEqual({ processes: [] });
});

test('every failure is answered with a problem', async () => {
  const { client } = connect({
    processes: () => {
      throw new ProbeError({ code: 'no-privileges', message: 'No.', remedy: 'Ask.' });
    },
    lookUp: () => Promise.reject(new TypeError('odd')),
  });
  await client.sendRequest('hello', hello);
  expect(await problemOf(client.sendRequest('processes', {}))).toEqual({
    code: 'no-privileges',
    message: 'No.',
    remedy: 'Ask.',
  });
  expect(await problemOf(client.sendRequest('lookUp', {}))).toEqual({ code: 'internal', message: 'odd' });
  for (const name of ['nonsense', 'constructor', '__proto__'])
    expect(await problemOf(client.sendRequest(name, {}))).toMatchObject({ code: 'method-unknown' });
});

test('closes when the client has gone, and when it speaks nonsense', async () => {
  const gone = connect({});
  gone.input.end();
  await gone.server.closed;
  const odd = connect({});
  odd.input.write('Content-Length: x\r\n\r\n');
  await odd.server.closed;
});
