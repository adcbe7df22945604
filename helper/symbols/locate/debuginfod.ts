import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { ProbeError } from '../../../protocol/errors.ts';
import { cachedDebugFile } from './cache.ts';

/** How long a server may be silent before the next one is asked. */
const PATIENCE_MS = 30_000;

/**
 * Fetches the debug file of a build id from the servers in `DEBUGINFOD_URLS` into the cache. Asks only when the user has
 * opted in: the request tells the server which binaries this host runs. Undefined when no server has it.
 */
export async function fetchDebugFile(
  buildId: string,
  servers: readonly string[] = serversOf(process.env['DEBUGINFOD_URLS'] ?? ''),
  signal?: AbortSignal,
): Promise<string | undefined> {
  const target = cachedDebugFile(buildId);
  if (existsSync(target)) return target;
  if (!/^[0-9a-f]{8,128}$/.test(buildId)) return undefined;
  const failures: string[] = [];
  for (const server of servers) {
    const address = `${server.replace(/\/+$/, '')}/buildid/${buildId}/debuginfo`;
    try {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const response = await fetch(address, {
        signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      });
      if (response.status === 404) continue;
      if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
      await keep(response.body as WebStream<Uint8Array>, target);
      return target;
    } catch (thrown) {
      if (signal?.aborted === true)
        throw new ProbeError({ code: 'cancelled', message: 'The download was cancelled.' });
      failures.push(`${server}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  if (failures.length > 0)
    throw new ProbeError({
      code: 'target-unreachable',
      message: `The debug information of ${buildId} could not be fetched: ${failures.join('; ')}.`,
      remedy: 'Check DEBUGINFOD_URLS and the network, or turn debuginfod off.',
    });
  return undefined;
}

function serversOf(text: string): string[] {
  return text.split(/\s+/).filter((server) => /^https?:\/\//.test(server));
}

/** Writes beside the target and renames, so that a broken download is never taken for a file. */
async function keep(body: WebStream<Uint8Array>, target: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const part = `${target}.${createHash('sha1').update(`${process.pid}.${Math.random()}`).digest('hex').slice(0, 8)}.part`;
  try {
    await pipeline(Readable.fromWeb(body), createWriteStream(part, { mode: 0o600 }));
    renameSync(part, target);
  } finally {
    rmSync(part, { force: true });
  }
}
