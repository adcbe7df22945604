/**
 * Catalogs are read by a process of their own: the 7 MB of text of 100,000 names become 60 MB of objects on the way. They
 * go with the process (V8 keeps the pages of a thread that ended), no key waits meanwhile, and a catalog that is larger
 * than memory ends a reader and not the server. What comes back is packed.
 */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { readCatalog, type Catalog } from '../protocol/catalog.ts';
import { knownCatalog, type KnownCatalog } from './language/known-catalog.ts';
import { NameTable, type PackedTable } from './language/packed-names.ts';
import { catalogReaderArgument } from './protocol.ts';

export type CatalogAnswer = { readonly catalog: KnownCatalog } | { readonly refusal: string };

type Message =
  | { readonly rest: Omit<Catalog, 'functions'>; readonly functions: PackedTable }
  | { readonly refusal: string };

/** A catalog of some 200 MB fits. */
const largestHeapMb = 1500;

/** Never rejects: a file that cannot be read, or that is too large, is a refusal too. */
export function readCatalogFile(file: string): Promise<CatalogAnswer> {
  return new Promise((resolve) => {
    const reader = fork(__filename, [catalogReaderArgument, file], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${largestHeapMb}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (reason: string): void => {
      resolve({ refusal: `The catalog ${file} cannot be read: ${reason}` });
    };
    reader.on('message', (message: Message) => {
      if ('refusal' in message) resolve(message);
      else resolve({ catalog: { ...message.rest, functions: NameTable.fromPacked(message.functions) } });
    });
    reader.on('error', (error) => {
      end(error.message);
    });
    // After a message this changes nothing any more
    reader.on('exit', (code, signal) => {
      end(`its reader ended with ${signal ?? code}. Is it too large?`);
    });
  });
}

/** What the reader does: answers once and ends. */
export async function answerWithCatalog(file: string): Promise<void> {
  const message = await catalogMessage(file);
  process.send?.(message, () => {
    process.disconnect();
  });
}

async function catalogMessage(file: string): Promise<Message> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return {
      refusal: `The catalog cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const read = readCatalog(text);
  if ('refusal' in read) return read;
  const { functions, ...rest } = knownCatalog(read.catalog);
  return { rest, functions: functions.packed() };
}
